# Finds MLIR/LLVM 22 and the libraries that the compiler and the runtime stand on, and sets the compiler's flags.

# A request for version 22 is refused by the package's 22.1.8: ask without one and check.
find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "ftc needs MLIR/LLVM 22, found ${LLVM_PACKAGE_VERSION}")
endif()
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

find_package(fmt REQUIRED)
find_package(simdjson REQUIRED)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What gcc 12 reports from inside MLIR's own headers; -fpch-preprocess lets ccache see through the precompiled header.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  # gcc 12 reports overlaps and bounds within std::string's operator+ that cannot be (GCC bug 105651), and,
  # as LLVM's own build knows, moved-from optionals and strings as uninitialised.
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;-Wno-stringop-overflow;-Wno-array-bounds;-Wno-maybe-uninitialized>")
  endif()
endif()
# lld 22 lies in LLVM's own folder, which -B makes both compilers search.
add_link_options(-fuse-ld=lld -B${LLVM_TOOLS_BINARY_DIR})

# The package's own CMake configuration asks for OpenCL, which the CPU engine does not need.
find_library(DNNL_LIBRARY dnnl REQUIRED)
# Compiling is full of small allocations: with this allocator it takes nine tenths of the time.
find_library(TCMALLOC_LIBRARY tcmalloc_minimal REQUIRED)
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h REQUIRED)
add_library(DNNL::dnnl SHARED IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${DNNL_LIBRARY}
                                            INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})
