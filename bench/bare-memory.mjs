// Shared memory without VideoFlow: a mapped file, for the figures that flows are compared with.
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";

const koffi = createRequire(import.meta.url)("koffi");
const library = koffi.load(null);
const mmap = library.func("void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64_t offset)");
const fallocate = library.func("int posix_fallocate(int fd, int64_t offset, int64_t length)");
const [READ_WRITE, SHARED_POPULATED] = [3, 0x8001];

/** Maps `bytes` of a file, made if it is not there. */
export function mapShared(path, bytes) {
  const fd = openSync(path, "a+", 0o600);
  if (fallocate(fd, 0, bytes) !== 0) throw new Error(`${path}: no room for ${bytes} bytes`);
  const pointer = mmap(null, bytes, READ_WRITE, SHARED_POPULATED, fd, 0);
  closeSync(fd);
  return koffi.view(pointer, bytes);
}
