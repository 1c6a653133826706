import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorText, OperatorError } from "../../base/errors.js";
import type { NodeOptions } from "../../flow/node.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { ImageSource } from "./image-source.js";

/** See the descriptions in the descriptor. */
export interface ImageFolderReaderParams {
  readonly path: string;
  readonly pattern?: string;
  readonly fps?: number;
  readonly maxFrames?: number;
}

const DEFAULT_PATTERN = "*.{jpg,jpeg,png,webp,bmp}";

/**
 * Gives the images of a folder in natural order (`frame2` before `frame10`): uint8 [height, width, 3], RGB, upright.
 * Metadata: `frameIndex`, `fps` and `path`. An image that cannot be read ends the flow with IMAGE_UNREADABLE, a folder
 * without images with IMAGE_FOLDER_EMPTY.
 */
export class ImageFolderReader extends ImageSource<ImageFolderReaderParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.ImageFolderReader;

  constructor(params: ImageFolderReaderParams, options: NodeOptions = {}) {
    super(params, options);
  }

  protected async listImages(): Promise<readonly string[]> {
    const { path, pattern = DEFAULT_PATTERN } = this.params;
    const names = selectNames(await listFiles(path), pattern);
    if (names.length === 0) throw new OperatorError("IMAGE_FOLDER_EMPTY", { path, pattern });
    return names.map((name) => join(path, name));
  }

  protected countMessages(images: number): number {
    return Math.min(images, this.params.maxFrames ?? images);
  }
}

async function listFiles(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    throw new OperatorError("IMAGE_UNREADABLE", { path, reason: errorText(error) });
  }
}

/** The names that match a pattern (`*`, `?`, `{a,b}`; upper and lower case are the same), in natural order. Pure. */
export function selectNames(names: readonly string[], pattern: string): string[] {
  const matcher = toRegExp(pattern);
  const order = new Intl.Collator("en", { numeric: true });
  return names.filter((name) => matcher.test(name)).sort((a, b) => order.compare(a, b) || (a < b ? -1 : 1));
}

function toRegExp(pattern: string): RegExp {
  const quoted = pattern
    .replace(/[.+^$()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  const alternatives = quoted.replace(/\{([^{}]*)\}/g, (_, list: string) => `(?:${list.split(",").join("|")})`).replace(/[{}]/g, "\\$&");
  return new RegExp(`^${alternatives}$`, "i");
}
