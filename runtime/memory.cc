#include "dray/runtime/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace dray::runtime {
namespace {

constexpr Duration kSettled = std::chrono::seconds(5), kLookEvery = std::chrono::seconds(30);

// What is mapped without the right to write was never written, relocations neither: the file has
// it.
int ReleaseReadOnly(dl_phdr_info* object, size_t, void*) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    const uintptr_t first = begin / page * page;
    const uintptr_t end = (begin + segment.p_memsz + page - 1) / page * page;
    madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
  }
  return 0;
}

// Pages; 0: not known.
size_t Resident() {
  std::ifstream sizes("/proc/self/statm");
  size_t all = 0, resident = 0;
  sizes >> all >> resident;
  return resident;
}

}  // namespace

void ReleaseMemory() {
  malloc_trim(0);
  dl_iterate_phdr(ReleaseReadOnly, nullptr);
}

Status KeepMemorySmall(const Context& ctx) {
  size_t settled = 0;
  // The second time is for what the work's beginning has left.
  for (int look = 0;; ++look) {
    const size_t now = Resident();
    if (look < 2 || now > settled + settled / 4) {
      ReleaseMemory();
      settled = now;
    } else {
      settled = std::min(settled, now);
    }
    if (!ctx.Sleep(look == 0 ? kSettled : kLookEvery).ok()) return {};
  }
}

}  // namespace dray::runtime
