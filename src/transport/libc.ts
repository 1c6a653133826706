/** The few calls of the C library that Node.js lacks. */
import { foreign } from "../base/foreign.js";

export interface PollHandle {
  close(): void;
}

export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** Ends the mapping. Whoever touches the buffer afterwards dies of SIGSEGV: only for buffers that never left their function. */
  unmap(): void;
}

export interface Libc {
  /** Maps part of an open file. @returns undefined if the kernel refuses (out of memory, too many mappings). */
  map(fd: number, offset: number, length: number, writable: boolean): Mapping | undefined;
  /** Reserves bytes of a file, growing it. @returns 0 or an errno; unlike a write into a hole it cannot end in SIGBUS later. */
  allocate(fd: number, offset: number, length: number): number;
  /** @returns 0, or -1 if there is something of that name already or the folder refuses. */
  makeFifo(path: string, mode: number): number;
  /** Calls back when the descriptor has something to read. The caller must keep the handle: a collected one falls silent. */
  poll(fd: number, ready: () => void): PollHandle;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_POPULATE = 0x8000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

let loaded: Libc | undefined;

export function libc(): Libc {
  loaded ??= loadLibc();
  return loaded;
}

function loadLibc(): Libc {
  const koffi = foreign();
  const library = koffi.load(null);
  const mmap = library.func("void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64_t offset)");
  const munmap = library.func("int munmap(void *addr, size_t length)");
  const fallocate = library.func("int posix_fallocate(int fd, int64_t offset, int64_t length)");
  const mkfifo = library.func("int mkfifo(const char *path, uint32_t mode)");
  return {
    map(fd, offset, length, writable) {
      const pointer = mmap(null, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_POPULATE, fd, offset);
      if (pointer === MAP_FAILED) return undefined;
      return { buffer: koffi.view(pointer, length), unmap: () => void munmap(pointer, length) };
    },
    allocate: (fd, offset, length) => fallocate(fd, offset, length) as number,
    makeFifo: (path, mode) => mkfifo(path, mode) as number,
    poll: (fd, ready) => koffi.node.poll(fd, ready),
  };
}
