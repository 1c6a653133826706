/**
 * Property tests take the same cases on every machine, so that a change fails by what it changed. VIDEOFLOW_SEED=random (or a
 * number) takes others: what it finds becomes a fixed case.
 */
import fc from "fast-check";

const asked = process.env["VIDEOFLOW_SEED"];
if (asked !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked ?? 1) });
