/** `videoflow validate`: all problems of some files at once. */
import { formatProblem } from "../api/problem.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { readFlowFile } from "./flow-file.js";
import type { World } from "./world.js";

/** @returns usage if a file has a problem. Problems go to stderr, a line for each good file to stdout. */
export async function validate(files: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = EXIT.success;
  for (const file of files) {
    const { flows, problems, warnings } = await readFlowFile(file, world);
    for (const problem of problems) world.err.write(`${formatProblem(problem)}\n`);
    for (const warning of warnings) world.err.write(`warning: ${formatProblem(warning)}\n`);
    if (problems.length > 0) code = EXIT.usage;
    else world.out.write(`${file}: ok (${flows.map(({ metadata, spec }) => `${metadata.name}, ${spec.nodes.length} nodes`).join("; ")})\n`);
  }
  return code;
}
