// Push constants, declared once for C and GLSL: each struct is a kernel's, at most 128 bytes of 4-byte members.

#ifndef PUSH_H
#define PUSH_H

#ifdef GL_core_profile // GLSL
#define PUSH(name, members) layout(push_constant) uniform name { members } p;
#else // C
#include <stdint.h>
typedef uint32_t uint;
#endif

#endif
