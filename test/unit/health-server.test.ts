import { afterEach, expect, test } from "@jest/globals";
import { type HealthServer, serveHealth } from "../../src/main/health-server.js";

const open: HealthServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

async function serve(address: string): Promise<number> {
  const server = await serveHealth({ address, unhealthy: () => undefined, unready: () => "not yet" });
  open.push(server);
  return server.port;
}

test("probes say what the process says", async () => {
  const port = await serve("127.0.0.1:0");
  const [health, ready, other] = await Promise.all(["healthz", "readyz", "else"].map((path) => fetch(`http://127.0.0.1:${port}/${path}`)));
  expect([health?.status, ready?.status, await ready?.text(), other?.status]).toEqual([200, 503, "not yet\n", 404]);
});

test.each([":99999", "8081", "127.0.0.1", ":http"])("%s is refused with how an address is written", async (address) => {
  await expect(serve(address)).rejects.toMatchObject({ code: "ADDRESS_UNUSABLE", detail: { address } });
});

test("a port that is taken is named", async () => {
  const port = await serve("127.0.0.1:0");
  await expect(serve(`127.0.0.1:${port}`)).rejects.toThrow(/^ADDRESS_UNUSABLE: nothing can be served on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
});
