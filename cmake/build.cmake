# Configures, builds and installs the native library: the three steps that Maven asks for.
#   cmake -DSRC=<repo>/native -DBIN=<build dir> -DDNNL_ROOT=<dir with include/ and libdnnl.so.3>
#         [-DCUDA=ON [-DCUDA_ARCHS=80;90]] [-DBUILD_TYPE=Release] -P cmake/build.cmake
foreach(variable SRC BIN DNNL_ROOT)
  if(NOT DEFINED ${variable})
    message(FATAL_ERROR "build.cmake: -D${variable}=... expected, got nothing")
  endif()
endforeach()
if(NOT DEFINED BUILD_TYPE)
  set(BUILD_TYPE Release)
endif()
if(NOT DEFINED CUDA)
  set(CUDA OFF)
endif()
set(architectures "")
if(DEFINED CUDA_ARCHS)
  string(REPLACE ";" "\\;" architectures "-DLOSSMITH_CUDA_ARCHS=${CUDA_ARCHS}")
endif()
find_program(NINJA ninja)
set(generator "")
if(NINJA AND NOT EXISTS ${BIN}/CMakeCache.txt)
  set(generator -G Ninja)
endif()
execute_process(
  COMMAND ${CMAKE_COMMAND} ${generator} -S ${SRC} -B ${BIN} -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
          -DCMAKE_INSTALL_PREFIX=${BIN}/install -DDNNL_ROOT=${DNNL_ROOT}
          -DLOSSMITH_CUDA=${CUDA} ${architectures} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BIN} --parallel COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BIN} COMMAND_ERROR_IS_FATAL ANY)
