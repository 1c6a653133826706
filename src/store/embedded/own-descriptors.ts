/** LMDB leaves the descriptors of its files to whatever program this process starts, and the keeper lives on for weeks. */
import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { foreign } from "../../base/foreign.js";

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** No program that this process starts from now on gets what it has open of the file. */
export function keepDescriptors(file: string): void {
  const path = realpathSync(file);
  const fcntl = foreign().load(null).func("int fcntl(int fd, int command, ...)");
  for (const fd of readdirSync("/proc/self/fd")) if (targetOf(fd) === path) fcntl(Number(fd), F_SETFD, "int", FD_CLOEXEC);
}

/** @returns undefined for one that is closed by now, such as that of the list itself. */
function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
