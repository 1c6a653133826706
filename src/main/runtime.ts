/** The parts that running a flow needs, loaded together when the first flow is run. */
export { formatProblem } from "../api/problem.js";
export { checkDocument } from "../cli/flow-file.js";
export { DESCRIPTORS } from "../components/descriptors.js";
export { Foreground } from "./foreground.js";
