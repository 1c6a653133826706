import type { NodeOptions } from "../../flow/node.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { ImageSource } from "./image-source.js";

/** See the descriptions in the descriptor. */
export interface ImageProducerParams {
  readonly path?: string;
  readonly paths?: readonly string[];
  readonly repeat?: number;
  readonly fps?: number;
}

/**
 * Gives one image or a list of images, `repeat` times: uint8 [height, width, 3], RGB, upright.
 * Metadata: `frameIndex`, `fps` and `path`. An image that cannot be read ends the flow with IMAGE_UNREADABLE.
 */
export class ImageProducer extends ImageSource<ImageProducerParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.ImageProducer;

  constructor(params: ImageProducerParams, options: NodeOptions = {}) {
    super(params, options);
  }

  protected async listImages(): Promise<readonly string[]> {
    const { path, paths = [] } = this.params;
    const images = path === undefined ? paths : [path, ...paths];
    if (images.length === 0) throw new TypeError(`node "${this.name}" has neither path nor paths`);
    return images;
  }

  protected countMessages(images: number): number {
    return images * (this.params.repeat ?? 1);
  }
}
