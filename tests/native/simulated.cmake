# The CUDA backend on a machine without a GPU: native/cuda compiled by the C++ compiler against the
# SIMT host executor of simt/, which brings a simulated device "cuda:0".
#
#   lossmith_simulated           liblossmith.so.0 in <build>/simulated. With LD_LIBRARY_PATH the
#                                executables that are linked to the real library load this one.
#   lossmith_simulated_internal  the same as a static library, whose insides tests can call
find_package(Boost REQUIRED COMPONENTS context)
find_package(OpenMP REQUIRED COMPONENTS CXX)
add_subdirectory(simt)

set(native ${CMAKE_CURRENT_SOURCE_DIR}/../../native)
include(${native}/cuda/sources.cmake)
list(TRANSFORM cuda_sources PREPEND ${native}/cuda/)
set(simulated_kernels ${cuda_sources})
list(FILTER simulated_kernels INCLUDE REGEX "\\.cu$")
set_source_files_properties(${simulated_kernels} PROPERTIES LANGUAGE CXX)

add_library(simulated_objects OBJECT ${native}/engine/backend.cpp ${cuda_sources})
target_compile_definitions(simulated_objects PRIVATE LOSSMITH_HAS_CUDA)
target_link_libraries(simulated_objects PUBLIC simt_runtime lossmith_flags)
set_target_properties(simulated_objects PROPERTIES CXX_VISIBILITY_PRESET hidden
                      VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)

set(simulated_parts $<TARGET_OBJECTS:simulated_objects> $<TARGET_OBJECTS:simt_runtime>
    $<TARGET_OBJECTS:lossmith_common>)
foreach(isa baseline avx2 avx512)
  list(APPEND simulated_parts $<TARGET_OBJECTS:kernels_${isa}>)
endforeach()

add_library(lossmith_simulated SHARED ${simulated_parts})
set(simulated_exports ${CMAKE_CURRENT_SOURCE_DIR}/simulated.map)
target_link_libraries(lossmith_simulated PRIVATE lossmith_flags dnnl OpenMP::OpenMP_CXX
                      Boost::context)
target_link_options(lossmith_simulated PRIVATE -Wl,--version-script=${simulated_exports})
if(NOT LOSSMITH_SANITIZE)
  target_link_options(lossmith_simulated PRIVATE -Wl,-z,defs)
endif()
set_target_properties(lossmith_simulated PROPERTIES OUTPUT_NAME lossmith SOVERSION 0
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/simulated
                      LINK_DEPENDS ${simulated_exports} LINKER_LANGUAGE CXX)

add_library(lossmith_simulated_internal STATIC ${simulated_parts})
set_target_properties(lossmith_simulated_internal PROPERTIES LINKER_LANGUAGE CXX)
target_link_libraries(lossmith_simulated_internal PUBLIC lossmith_flags dnnl OpenMP::OpenMP_CXX
                      Boost::context)
target_include_directories(lossmith_simulated_internal BEFORE PUBLIC
                           ${CMAKE_CURRENT_SOURCE_DIR}/simt/include)
target_compile_definitions(lossmith_simulated_internal PUBLIC LOSSMITH_SIMT=1 LOSSMITH_HAS_CUDA)

# Tests run on the simulated device with this. The library is found before the one that the
# executable names, since that is a RUNPATH.
set(simulated_environment LOSSMITH_TEST_DEVICE=cuda:0 LOSSMITH_TEST_SIMULATED=1
    LD_LIBRARY_PATH=${CMAKE_BINARY_DIR}/simulated)
