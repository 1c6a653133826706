import { spawnSync } from "node:child_process";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { bareEnvironment, EXIT_GATE_CLOSED, environmentText, GO, userCommand } from "../../src/keeper/gate.js";
import { environmentFor, findTaskUser, parseUserEntry, SYSTEM_USERS, type UserDatabase, unlessOwn } from "../../src/main/task-user.js";

const CAMERA = { name: "camera", uid: 990, gid: 980, home: "/srv/camera" };
const USERS: UserDatabase = {
  find: (user) => (user === "camera" || user === "990" ? CAMERA : undefined),
  groupsOf: (name) => (name === "camera" ? [980, 44, 109] : []),
};

test("a user is named, numbered, or numbered with a group; it has all groups of its name", () => {
  const known = { ...CAMERA, groups: [44, 109] };
  expect(findTaskUser("camera", USERS)).toEqual(known);
  expect(findTaskUser("990", USERS)).toEqual(known);
  expect(findTaskUser("990:7", USERS)).toEqual({ ...known, gid: 7, groups: [980, 44, 109] });
  expect(findTaskUser("5000:6000", USERS)).toEqual({ name: "5000", uid: 5000, gid: 6000, groups: [], home: "/" });
  expect(SYSTEM_USERS.find("0")).toMatchObject({ name: "root", uid: 0, gid: 0 });
  expect(parseUserEntry("a:x:1:2:Ann,,,:/home/a:/bin/sh\n")).toEqual({ name: "a", uid: 1, gid: 2, home: "/home/a" });
});

test.each([
  ["nobody-here", "there is no user nobody-here on this machine"],
  ["5000", "there is no user 5000 on this machine, so its group is not known: write 5000:GID"],
  ["camera:video", "is no user"],
  ["1:2:3", "is no user"],
  ["--help", "is no user"],
  ["", "is no user"],
])("%s is refused with the reason", (written, problem) => {
  expect(() => findTaskUser(written, USERS)).toThrow(problem);
});

const ALL = (1n << 40n) - 1n;
const user = { ...CAMERA, groups: [] };

test("only root with its capabilities starts tasks of another user; of its own it needs nothing", () => {
  expect(unlessOwn(user, { uid: 0, gid: 0, capabilities: ALL })).toBe(user);
  expect(unlessOwn(user, { uid: 990, gid: 980, capabilities: 0n })).toBeUndefined();
  expect(() => unlessOwn(user, { uid: 1000, gid: 1000, capabilities: 0n })).toThrow(
    "only an agent that runs as root can start tasks of user camera; this one runs as user 1000",
  );
  expect(() => unlessOwn(user, { uid: 0, gid: 0, capabilities: ALL & ~(1n << 19n) })).toThrow("without CAP_SYS_PTRACE");
});

test("tasks of another user have its home, and nothing that is the agent's user's alone", () => {
  const own = {
    HOME: "/root",
    USER: "root",
    XDG_CACHE_HOME: "/root/.cache",
    SSH_AUTH_SOCK: "/s",
    TMPDIR: "/t",
    PATH: "/bin",
    LANG: undefined,
  };
  const theirs = { HOME: "/srv/camera", USER: "camera", LOGNAME: "camera", PATH: "/bin" };
  expect(environmentFor(user, own, false)).toEqual(theirs);
  expect(environmentFor(user, own, true)).toEqual({ ...theirs, TMPDIR: "/t" });
});

/** What a program behind the gate finds in its environment. */
function behindGate(said: string): { readonly status: number | null; readonly env: Record<string, string> } {
  const [shell, ...args] = userCommand([process.execPath, "-p", "JSON.stringify(process.env)"], user, undefined);
  const script = args.map((arg) => arg.replaceAll("<&3", "<&0").replaceAll("exec 3", "exec 0")); // A pipe that spawnSync can feed.
  const { status, stdout } = spawnSync(shell, script, { input: said, env: bareEnvironment({}), encoding: "utf8" });
  return { status, env: stdout === "" ? {} : JSON.parse(stdout) };
}

test("any text passes the gate in the environment as it is", () => {
  const texts = fc.string({ unit: fc.constantFrom("a", "'", '"', "\n", " ", "$", "`", "\\", "é", "=", ";"), maxLength: 12 });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("A", "B_1", "IFS", "VALUE"), texts), (env) => {
      const { env: found } = behindGate(GO + environmentText(env));
      expect(found).toMatchObject(env);
    }),
    { numRuns: 15 },
  );
});

test("half an environment opens no gate", () => {
  const text = GO + environmentText({ A: "1", B: "2" });
  expect(behindGate(text).status).toBe(0);
  expect(behindGate(text.slice(0, text.indexOf("VF_WHOLE"))).status).toBe(EXIT_GATE_CLOSED);
  expect(behindGate(text.slice(GO.length)).status).toBe(EXIT_GATE_CLOSED);
});

test("what still has the rights of root sees only what the agent alone sets", () => {
  const seen = bareEnvironment({
    VF_NODE_NAME: "n",
    CUDA_VISIBLE_DEVICES: "-1",
    LD_LIBRARY_PATH: "/evil",
    BASH_ENV: "/evil",
    PATH: "/evil",
  });
  expect(seen).toEqual({ PATH: "/usr/bin:/bin", VF_NODE_NAME: "n", CUDA_VISIBLE_DEVICES: "-1" });
});
