# weir_embed of what the build makes: cmake -DOUT=x.cc -DHEADER=x.h -DNAMESPACE=weir -DNAME=Bytes -DFILE=made.bin -P embed_at_build.cmake
include("${CMAKE_CURRENT_LIST_DIR}/embed.cmake")
weir_embed("${OUT}" "${HEADER}" "${NAMESPACE}" "${NAME}=${FILE}")
file(TOUCH "${OUT}")  # also where it holds what it held: the step is done
