# The CUDA backend of liblossmith: nvcc, the static CUDA runtime, nothing else. cuBLAS is opened at
# run time.
#
# LOSSMITH_CUDA_ARCHS names the architectures. Each is compiled to machine code, the newest also to
# PTX, which the driver of a later GPU compiles when the library is loaded.
if(LOSSMITH_CUDA_ARCHS STREQUAL "all")
  set(architectures 75 80 86 89 90 100 120)
else()
  set(architectures ${LOSSMITH_CUDA_ARCHS})
endif()
list(SORT architectures COMPARE NATURAL)
list(LENGTH architectures count)
if(count EQUAL 0)
  message(FATAL_ERROR "LOSSMITH_CUDA_ARCHS: expected numbers such as 80;90, or all, got nothing")
endif()
foreach(architecture IN LISTS architectures)
  if(NOT architecture MATCHES "^[0-9]+[af]?$")
    message(FATAL_ERROR "LOSSMITH_CUDA_ARCHS: expected numbers such as 80;90, or all, got "
                        "'${LOSSMITH_CUDA_ARCHS}'")
  endif()
endforeach()
list(JOIN architectures " " LOSSMITH_CUDA_ARCHITECTURES)
list(POP_BACK architectures newest)
set(CMAKE_CUDA_ARCHITECTURES ${architectures})
list(TRANSFORM CMAKE_CUDA_ARCHITECTURES APPEND -real)
list(APPEND CMAKE_CUDA_ARCHITECTURES ${newest})

if(NOT DEFINED ENV{CUDACXX})
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda
               PATH_SUFFIXES bin REQUIRED)
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)

# Adds the backend to `target`, a target of this directory.
function(lossmith_add_cuda target)
  set(directory ${CMAKE_CURRENT_SOURCE_DIR}/cuda)
  include(${directory}/sources.cmake)
  list(TRANSFORM cuda_sources PREPEND ${directory}/)
  target_sources(${target} PRIVATE ${cuda_sources})
  target_compile_definitions(${target} PRIVATE LOSSMITH_HAS_CUDA
                             LOSSMITH_CUDA_ARCHITECTURES="${LOSSMITH_CUDA_ARCHITECTURES}")
  target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
  list(JOIN host_flags "," host)
  # Names of temporary files get into the objects: beside the object they are the same every time.
  set(device -Xfatbin=-compress-all --threads=2 --objdir-as-tempdir)
  if(LOSSMITH_WERROR)
    # A kernel that spills registers was meant to fit.
    list(APPEND device --Werror=all-warnings -Xptxas=-warn-spills,-Werror)
  endif()
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${host};${device}>")
endfunction()
