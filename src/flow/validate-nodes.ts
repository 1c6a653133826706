/** The rules of one node: its tasks, devices, partitions, environment. */
import type { NodeSpec } from "../api/kinds.js";
import type { Problem } from "../api/problem.js";
import { type Describe, effectiveTasks } from "./graph.js";
import { joinsByTime } from "./time-joins.js";
import { type Findings, merge, NO_FINDINGS, problems, warnings } from "./validate-findings.js";

/** @param index number of the node in the spec. */
export function nodeFindings(node: NodeSpec, index: number, describe: Describe): Findings {
  const at = `spec.nodes[${index}]`;
  const shared = merge(environmentFindings(node, at), bufferFindings(node, at));
  return node.role === "Processor" ? merge(shared, processorFindings(node, at, describe)) : merge(shared, endFindings(node, at));
}

/** Producers and consumers: one task, no GPU, no partitions, no group. */
function endFindings(node: NodeSpec, at: string): Findings {
  const role = node.role.toLowerCase();
  const found: Problem[] = [];
  if (node.nbTasks > 1) {
    const fix = "Remove nbTasks; replicate a processor instead";
    found.push({ path: `${at}.nbTasks`, problem: `a ${role} has exactly one task`, got: String(node.nbTasks), fix });
  }
  if (node.deviceType === "GPU") {
    found.push({
      path: `${at}.deviceType`,
      problem: `a ${role} runs on the CPU`,
      got: '"GPU"',
      fix: "Remove deviceType; only processors may wish a GPU",
    });
  }
  if (node.device !== undefined) {
    found.push({ path: `${at}.device`, problem: `a ${role} gets no device`, fix: "Remove device; only processors may have one" });
  }
  if (node.taskGroup !== undefined) {
    const fix = "Remove taskGroup; only processors can be fused";
    found.push({ path: `${at}.taskGroup`, problem: `a ${role} cannot be in a task group`, got: JSON.stringify(node.taskGroup), fix });
  }
  const useless = node.partitionBy === undefined ? NO_FINDINGS : partitionWarning(node, at);
  return merge(problems(...found), useless);
}

function processorFindings(node: NodeSpec, at: string, describe: Describe): Findings {
  const descriptor = describe(node.component);
  const tasks = effectiveTasks(node, descriptor);
  const found: Findings[] = [];
  if (node.nbTasks > tasks) {
    const problem = `${node.component} keeps state: node ${node.name} gets one task, nbTasks ${node.nbTasks} is ignored`;
    found.push(warnings({ path: `${at}.nbTasks`, problem, got: String(node.nbTasks), fix: "Remove nbTasks" }));
  }
  if (tasks > 1 && node.inputs.length > 1 && node.partitionBy === undefined && !joinsByTime(node)) {
    const problem = `node ${node.name} has several tasks and several inputs, so it needs partitionBy: the messages of one key must meet in one task`;
    found.push(
      problems({ path: `${at}.partitionBy`, problem, fix: "Add partitionBy: trace_id, or a metadata field that all inputs carry" }),
    );
  }
  if (tasks > 1 && (descriptor?.holds ?? 0) > 0) {
    const problem = `${node.component} finishes an input only after further ones, so it needs all of them: one task`;
    found.push(problems({ path: `${at}.nbTasks`, problem, got: String(node.nbTasks), fix: "Remove nbTasks" }));
  }
  if (tasks === 1 && node.partitionBy !== undefined) found.push(partitionWarning(node, at));
  return merge(...found);
}

function partitionWarning(node: NodeSpec, at: string): Findings {
  const problem = `partitionBy has no effect: node ${node.name} has one task`;
  return warnings({
    path: `${at}.partitionBy`,
    problem,
    got: JSON.stringify(node.partitionBy),
    fix: "Remove partitionBy, or give a processor several tasks",
  });
}

function bufferFindings(node: NodeSpec, at: string): Findings {
  if (node.buffer === undefined || node.role !== "Consumer") return NO_FINDINGS;
  return warnings({
    path: `${at}.buffer`,
    problem: "a consumer has no outputs to buffer",
    fix: "Remove buffer, or give it to the node before",
  });
}

/** The operator sets these itself, or they would load code into every task. */
const RESERVED = /^(VF_|CUDA_|HIP_|ROCR_|GPU_DEVICE_ORDINAL$|LD_PRELOAD$|LD_AUDIT$|NODE_OPTIONS$)/;

function environmentFindings(node: NodeSpec, at: string): Findings {
  const seen = new Set<string>();
  const found = node.env.flatMap(({ name }, index): Problem[] => {
    const path = `${at}.env[${index}].name`;
    const got = JSON.stringify(name);
    if (RESERVED.test(name))
      return [
        { path, problem: `the variable ${name} is reserved`, got, fix: "Remove it; the operator decides what a task sees and loads" },
      ];
    if (seen.has(name)) return [{ path, problem: `the variable ${name} stands twice`, got, fix: "Remove one of them" }];
    seen.add(name);
    return [];
  });
  return problems(...found);
}
