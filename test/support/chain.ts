/** ticker -> … -> sink: flows that differ in what stands between. */
import { NODES } from "./flow-process.js";

/** A processor of the chain, with options as both ways of writing a flow know them. */
export interface Step {
  readonly component: "Wisher" | "GpuOnly" | "CpuOnly" | "Summer";
  readonly name: string;
  readonly nbTasks?: number;
  readonly gpu?: boolean;
}

export const TICKER = { name: "ticker", role: "Producer", component: `${NODES}#Ticker` };

/** @param ticker further fields of the producer. */
export function chainNodes(steps: readonly Step[], ticker: object = {}): object[] {
  const processors = steps.map(({ component, name, nbTasks, gpu }, i) => ({
    name,
    role: "Processor",
    component: `${NODES}#${component}`,
    inputs: [steps[i - 1]?.name ?? TICKER.name],
    ...(nbTasks === undefined ? {} : { nbTasks }),
    ...(component === "Summer" ? { oneTask: true } : {}),
    ...(gpu ? { deviceType: "GPU" } : {}),
    ...(component === "GpuOnly" ? { device: { required: true } } : {}),
  }));
  const sink = { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: [steps.at(-1)?.name ?? TICKER.name] };
  return [{ ...TICKER, ...ticker }, ...processors, sink];
}
