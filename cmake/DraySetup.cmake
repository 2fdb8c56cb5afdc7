# Language, warnings, linker, compiler cache, sanitizers: everything a target gets without asking.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "" FORCE)
endif()
# Dev: without debug info; what is fast for its users' sake (DRAY_FAST) optimised as shipped, the development cluster, the mock
# devices and the command line less, tests at -O0. A clean build stays short.
# (project() has put empty flags into the cache by now; a preset's own flags stay.)
foreach(language C CXX)
  if(NOT CMAKE_${language}_FLAGS_DEV)
    set(CMAKE_${language}_FLAGS_DEV "-O1")
  endif()
endforeach()

set(DRAY_FAST "")
if(CMAKE_BUILD_TYPE STREQUAL Dev AND CMAKE_CXX_FLAGS_DEV STREQUAL "-O1" AND NOT DRAY_SANITIZE)
  set(DRAY_FAST -O2)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(--param=ggc-min-heapsize=400000)  # kB before the compiler looks for garbage of its own: 6 % faster
endif()

# What nothing calls stays out of the programs: a fifth of them.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)

find_program(DRAY_CCACHE ccache)
if(DRAY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_ctime,include_file_mtime CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 ${DRAY_CCACHE})
endif()
find_program(DRAY_MOLD mold)
if(DRAY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(DRAY_SANITIZE "" CACHE STRING "sanitizers for everything, as for -fsanitize=")
if(DRAY_SANITIZE)
  add_compile_options(-fsanitize=${DRAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${DRAY_SANITIZE})
  if(DRAY_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # Boost.Asio's fences, which the sanitizer does not see; its mutexes suffice
  endif()
endif()

# Most of a compile is headers and templates, not our lines: sixteen files at a time take a quarter of the time of sixteen files.
option(DRAY_UNITY "compile several files of a folder at once: a faster clean build, slower single files" ON)

# On our targets only: third-party headers are system headers.
add_compile_options(-pthread)  # everywhere: the precompiled header is shared
set(DRAY_WARNINGS -Wall -Wextra -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 sees errors inside std::string and std::variant as soon as it optimises, where there are none.
  list(APPEND DRAY_WARNINGS -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(DRAY_UNITY)
  # A file that is compiled through another one looks like a header to the compiler.
  list(APPEND DRAY_WARNINGS -Wno-subobject-linkage)
endif()
