# Writes the SHA-256 over the names and contents of FILES, and over TEXT, to OUTPUT: as a C string, or as the
# definition of NAME.

set(sums "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(SHA256 ${file} sum)
  string(APPEND sums "${name} ${sum}\n")
endforeach()
string(SHA256 all "${sums}${TEXT}")
if(NAME)
  file(WRITE ${OUTPUT} "// What ${NAME} is computed from is said where it is made.\n#define ${NAME} \"${all}\"\n")
else()
  file(WRITE ${OUTPUT} "\"${all}\"\n")
endif()
