# Writes the SHA-256 over the names and contents of FILES to OUTPUT, as a C string.

set(sums "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(SHA256 ${file} sum)
  string(APPEND sums "${name} ${sum}\n")
endforeach()
string(SHA256 all "${sums}")
file(WRITE ${OUTPUT} "\"${all}\"\n")
