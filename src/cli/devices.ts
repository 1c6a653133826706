/** `videoflow devices`: the GPUs that may be granted, and the inference provider that really loads. */
import { EXIT, type ExitCode } from "./exit-codes.js";
import type { DeviceFlags } from "./program.js";
import { renderTable } from "./table.js";
import { type DeviceView, hostOptions, type InferenceReport, type World } from "./world.js";

export async function devices(flags: DeviceFlags, world: World): Promise<ExitCode> {
  const { engine, out } = world;
  const found = await engine.devices(hostOptions(flags));
  const inference = await engine.inference();
  if (flags.json === true) out.write(`${JSON.stringify({ devices: found, inference }, null, 2)}\n`);
  else out.write(`${[...renderDevices(found), ...renderInference(inference)].join("\n")}\n`);
  return EXIT.success;
}

/** Lines: a table of the devices, or why there is none. */
export function renderDevices(found: readonly DeviceView[]): string[] {
  if (found.length === 0) return ["no GPU may be granted: every task runs on the CPU"];
  return renderTable(
    [{ title: "UUID" }, { title: "PRODUCT" }, { title: "MEMORY", align: "right" }, { title: "MAY BE GRANTED" }],
    found.map(({ uuid, product, memoryMiB, unavailable }) => [
      uuid,
      product,
      `${memoryMiB} MiB`,
      unavailable === undefined ? "yes" : `no: ${unavailable}`,
    ]),
  );
}

/** Lines: what inference computes on; if not on CUDA, why and what to do. */
export function renderInference({ available, reason, fix }: InferenceReport): string[] {
  return [
    `inference: ${available.length === 0 ? "onnxruntime does not load" : `onnxruntime computes on ${available.join(", ")}`}`,
    ...(reason === undefined ? [] : [`  not on cuda: ${reason}`]),
    ...(fix === undefined ? [] : [`  -> ${fix}`]),
  ];
}
