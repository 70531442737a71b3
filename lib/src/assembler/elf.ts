/** The smallest static ELF executable the kernel accepts: headers and code in one read-only, executable segment. */
import type { Architecture } from '#lib/sys/syscalls';

const elfHeaderSize = 64;
const programHeaderSize = 56;
/** Where the code begins in the file, after the ELF header and two program headers. */
const codeOffset = elfHeaderSize + 2 * programHeaderSize;
/** A multiple of every page size up to 64 KB, and above any vm.mmap_min_addr. */
const loadAddress = 0x400000;
const pageSize = 0x10000;

const machineNumbers: Readonly<Record<Architecture, number>> = { x64: 62, arm64: 183 }; // EM_X86_64, EM_AARCH64

/** Segment types and flags of elf(5). */
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** An executable that starts at the first byte of `code`. The stack is not executable; there are no sections. */
export function staticElf(code: Uint8Array, architecture: Architecture): Buffer {
  const size = codeOffset + code.length;
  const elf = Buffer.alloc(size);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2 /* 64 bits */, 1 /* little-endian */, 1 /* version */]);
  elf.writeUInt16LE(2, 16); // e_type: ET_EXEC
  elf.writeUInt16LE(machineNumbers[architecture], 18);
  elf.writeUInt32LE(1, 20); // e_version
  elf.writeBigUInt64LE(BigInt(loadAddress + codeOffset), 24); // e_entry
  elf.writeBigUInt64LE(BigInt(elfHeaderSize), 32); // e_phoff
  elf.writeUInt16LE(elfHeaderSize, 52);
  elf.writeUInt16LE(programHeaderSize, 54);
  elf.writeUInt16LE(2, 56); // e_phnum
  elf.writeUInt16LE(64, 58); // e_shentsize, though there are no sections
  const load = { type: PT_LOAD, flags: PF_R | PF_X, address: loadAddress, size, align: pageSize };
  const stack = { type: PT_GNU_STACK, flags: PF_R | PF_W, address: 0, size: 0, align: 16 };
  [load, stack].forEach(({ type, flags, address, size, align }, index) => {
    const at = elfHeaderSize + index * programHeaderSize;
    elf.writeUInt32LE(type, at);
    elf.writeUInt32LE(flags, at + 4);
    // p_offset at + 8 stays 0: the segment begins with the file
    elf.writeBigUInt64LE(BigInt(address), at + 16);
    elf.writeBigUInt64LE(BigInt(address), at + 24);
    elf.writeBigUInt64LE(BigInt(size), at + 32);
    elf.writeBigUInt64LE(BigInt(size), at + 40);
    elf.writeBigUInt64LE(BigInt(align), at + 48);
  });
  elf.set(code, codeOffset);
  return elf;
}
