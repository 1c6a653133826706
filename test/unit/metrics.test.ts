import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { LoopFigures } from "../../src/base/durations.js";
import { leaderText, loopsText, storeText, usageText } from "../../src/main/metrics.js";
import { serveMetrics } from "../../src/main/metrics-server.js";
import type { TaskUsage, Usage } from "../../src/store/agent-services.js";
import type { StoreFigures } from "../../src/store/kubernetes/kubernetes-store.js";

const folder = mkdtempSync(join(tmpdir(), "vf-metrics-"));
afterAll(() => rmSync(folder, { recursive: true }));
const TOKEN = "a-token-of-24-characters";

const task: TaskUsage = {
  ...{ task: "f.work.0", flow: { namespace: "default", name: "f" }, node: "work", index: 0, phase: "Running", restarts: 2 },
  ...{ devices: ["GPU-1"], messages: 40, received: 41, published: 39, dropped: 1, processUs: 2_500_000, cpuCores: 0.5 },
  deviceUse: [{ uuid: "GPU-1", memoryUsedMiB: 1, utilizationPercent: 40 }],
  processTimes: { boundsUs: [1, 2, 4, 8], counts: [1, 2, 3, 4, 5] },
};
const flow = task.flow;
const usage: Usage = {
  nowMs: 1,
  tasks: [task],
  devices: [{ uuid: "GPU-1", product: 'Te"st', memoryMiB: 2, healthy: true, holders: ["default/f.work.0"], utilizationPercent: 40 }],
  edges: [
    { flow, from: "a", to: "work", produced: 9, acknowledged: 5, deadLettered: 1, dropped: 1, marks: 0, inFlight: 2 },
    { flow, from: "b", to: "work", produced: 9, acknowledged: 7, deadLettered: 2, dropped: 0, marks: 0, inFlight: 0 },
  ],
};
const everything: Usage = {
  ...usage,
  tasks: [{ ...task, memoryBytes: 1 }],
  devices: usage.devices.map((device) => ({ ...device, memoryUsedMiB: 1 })),
};
const times = { bounds: [0.5], counts: [3, 1], sum: 2 };
const loops: readonly LoopFigures[] = [
  { name: "host", successes: 4, errors: 1, reconcileTimes: times },
  { name: "videoflow", successes: 2, errors: 0, reconcileTimes: times, queue: { depth: 1, adds: 5, retries: 2, waitTimes: times } },
];
const store: StoreFigures = {
  calls: [
    { method: "GET", code: "200", count: 3 },
    { method: "PUT", code: "409", count: 1 },
  ],
  times,
  watches: { relists: 2, found: { Added: 0, Modified: 1, Deleted: 4 }, reconnects: 5, silent: 1 },
};
let looks = 0;
const services = {
  usage: async () => {
    looks += 1;
    return usage;
  },
};

function ask(options: object, headers: Record<string, string> = {}): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ path: "/metrics", ...options, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    asked.on("error", reject).end();
  });
}

function tokenFile(name: string, text: string, mode = 0o600): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test("the Unix socket is the user's only, tells what is known and nothing else, and is gone after the end", async () => {
  const socket = join(folder, "metrics.sock");
  const server = await serveMetrics(services, { socket });
  const { text } = await ask({ socketPath: socket });
  await Promise.all(Array.from({ length: 10 }, () => ask({ socketPath: socket })));
  const other = await ask({ socketPath: socket, path: "/" });
  const posted = await ask({ socketPath: socket, method: "POST" });
  const mode = statSync(socket).mode & 0o777;
  await server.close();

  const labels = 'namespace="default",flow="f",node="work",task="f.work.0"';
  for (const line of [
    `videoflow_messages_processed_total{${labels}} 40`,
    `videoflow_proctime_seconds_sum{${labels}} 2.5`,
    `videoflow_proctime_seconds_count{${labels}} 15`,
    `videoflow_proctime_seconds_bucket{${labels},le="0.000001"} 1`,
    `videoflow_proctime_seconds_bucket{${labels},le="0.000004"} 6`,
    `videoflow_proctime_seconds_bucket{${labels},le="+Inf"} 15`,
    'videoflow_messages_failed_total{namespace="default",flow="f",node="work"} 3',
    'videoflow_edge_messages_in_flight{namespace="default",flow="f",from="a",to="work"} 2',
    `videoflow_task_device_memory_used_bytes{${labels},uuid="GPU-1"} 1048576`,
    `videoflow_task_restarts_total{${labels}} 2`,
    `videoflow_task_cpu_cores{${labels}} 0.5`,
    'videoflow_device_claims{uuid="GPU-1",product="Te\\"st"} 1',
    'videoflow_device_utilization_ratio{uuid="GPU-1",product="Te\\"st"} 0.4',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect(text).toContain("nodejs_eventloop_lag_seconds");
  expect(text).not.toContain("videoflow_task_memory_bytes{");
  expect([other.status, posted.status, mode]).toEqual([404, 404, 0o600]);
  expect(looks).toBeLessThan(11); // Some of the eleven were answered alike.
  expect(statSync(socket, { throwIfNoEntry: false })).toBeUndefined();
});

test("loops are told under the names of Kubernetes operators, their histograms cumulative", () => {
  expect(loopsText(loops).split("\n")).toEqual(
    expect.arrayContaining([
      'controller_runtime_reconcile_total{controller="host",result="error"} 1',
      'controller_runtime_reconcile_total{controller="videoflow",result="success"} 2',
      'controller_runtime_reconcile_time_seconds_bucket{controller="host",le="0.5"} 3',
      'controller_runtime_reconcile_time_seconds_bucket{controller="host",le="+Inf"} 4',
      'controller_runtime_reconcile_time_seconds_sum{controller="host"} 2',
      'workqueue_depth{name="videoflow"} 1',
      'workqueue_queue_duration_seconds_count{name="videoflow"} 4',
    ]),
  );
});

test("requests, relists and who leads are told to whoever asks, and nothing of a flow", async () => {
  const more = () => `${leaderText({ name: "c", leads: true })}\n${storeText(store)}`;
  const server = await serveMetrics({ loops: () => loops, more }, { open: "127.0.0.1:0" });
  const { status, text } = await ask({ host: "127.0.0.1", port: server.port });
  await server.close();
  for (const line of [
    'rest_client_requests_total{method="PUT",code="409"} 1',
    "rest_client_request_duration_seconds_count 4",
    "videoflow_watch_relists_total 2",
    'videoflow_watch_relist_found_total{type="Deleted"} 4',
    'leader_election_master_status{name="c"} 1',
    'workqueue_depth{name="videoflow"} 1',
  ])
    expect(text.split("\n")).toContain(line);
  expect([status, text.includes("nodejs_eventloop_lag_seconds"), text.includes("namespace=")]).toEqual([200, true, false]);
});

test("the page of the metrics names each metric that is told, and no other", () => {
  const page = readFileSync("docs/reference/metrics.md", "utf8");
  const documented = new Set(
    [...page.matchAll(/`((?:videoflow|controller_runtime|workqueue|rest_client|leader_election)_\w+)`/g)].map(([, name]) => name),
  );
  const all = [usageText(everything), loopsText(loops), storeText(store), leaderText({ name: "videoflow-controller", leads: true })];
  const told = new Set([...all.join("\n").matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  expect([...told].sort()).toEqual([...documented].sort());
});

describe("the TCP address", () => {
  test("lets in who has the token and asked for this very address", async () => {
    const server = await serveMetrics(services, { listen: "127.0.0.1:0", tokenFile: tokenFile("token", `${TOKEN}\n`) });
    const { port } = server;
    const at = { host: "127.0.0.1", port };
    const authorization = `Bearer ${TOKEN}`;
    const statuses = [
      await ask(at, { authorization }),
      await ask(at, { authorization, host: `localhost:${port}` }),
      await ask(at),
      await ask(at, { authorization: `Bearer ${TOKEN}x` }),
      await ask(at, { authorization, host: `evil.example:${port}` }),
      await ask(at, { authorization, origin: "http://evil.example" }),
    ].map(({ status }) => status);
    await server.close();
    expect(statuses).toEqual([200, 200, 401, 401, 403, 403]);
  });

  test.each([
    ["is missing", () => join(folder, "none"), "ENOENT"],
    ["can be read by others", () => tokenFile("open", TOKEN, 0o644), "chmod 600"],
    ["is short", () => tokenFile("short", "hunter2"), "fewer than 16"],
  ])("is not opened when the token %s", async (_name, file, problem) => {
    const failure = await serveMetrics(services, { listen: "127.0.0.1:0", tokenFile: file() }).catch((error: Error) => error.message);
    expect(failure).toContain(problem);
    expect(failure).not.toContain("hunter2");
  });
});
