#!/usr/bin/env node
/** The process of the command line. `run` starts its keeper first: it boots while the rest of the command loads. */
import { closeEarlyKeeper, startKeeperEarly } from "./keeper-process.js";

async function runCommand(): Promise<void> {
  if (process.argv[2] === "run" && !process.argv.includes("--help")) startKeeperEarly();
  const { main } = await import("./command-line.js");
  process.exitCode = await main(process.argv.slice(2));
  await closeEarlyKeeper();
}

void runCommand();
