import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { serveMetrics } from "../../src/main/metrics-server.js";
import type { TaskUsage, Usage } from "../../src/store/agent-services.js";

const folder = mkdtempSync(join(tmpdir(), "vf-metrics-"));
afterAll(() => rmSync(folder, { recursive: true }));
const TOKEN = "a-token-of-24-characters";

const task: TaskUsage = {
  ...{ task: "f.work.0", flow: { namespace: "default", name: "f" }, node: "work", index: 0, phase: "Running", restarts: 2 },
  ...{ devices: [], messages: 40, dropped: 1, processUs: 2_500_000, cpuCores: 0.5 },
};
const usage: Usage = {
  nowMs: 1,
  tasks: [task],
  devices: [{ uuid: "GPU-1", product: 'Te"st', memoryMiB: 2, healthy: true, holders: ["default/f.work.0"], utilizationPercent: 40 }],
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
  expect(looks).toBeLessThan(5);
  expect(statSync(socket, { throwIfNoEntry: false })).toBeUndefined();
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
