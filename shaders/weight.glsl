// A weight matrix of type WEIGHT_F32, WEIGHT_F16 or WEIGHT_BF16, bound as 32-bit words so that no
// device feature is needed; WEIGHT(slot, name) declares name_load as READ of tensor.glsl does.

#if defined(WEIGHT_F32)
#define WEIGHT(slot, name) READ(slot, name)
#else

#if defined(WEIGHT_F16)
vec2 weight_unpack(uint word)
{
    return unpackHalf2x16(word);
}
#elif defined(WEIGHT_BF16)
vec2 weight_unpack(uint word) // bf16 is the upper half of a float
{
    return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xffff0000u));
}
#endif

#define WEIGHT(slot, name)                                                                         \
    layout(binding = slot) readonly buffer name##_words { uint name##_1[]; };                      \
    layout(binding = slot) readonly buffer name##_quads { uvec2 name##_4[]; };                     \
    float name##_element(uint at)                                                                  \
    {                                                                                              \
        return weight_unpack(name##_1[at / 2])[at % 2];                                            \
    }                                                                                              \
    vec4 name##_load(uint at, uint left)                                                           \
    {                                                                                              \
        if (RAGGED == 0) {                                                                         \
            uvec2 words = name##_4[at / 4];                                                        \
            return vec4(weight_unpack(words.x), weight_unpack(words.y));                           \
        }                                                                                          \
        return vec4(name##_element(at), left > 1 ? name##_element(at + 1) : 0.0,                   \
                    left > 2 ? name##_element(at + 2) : 0.0,                                       \
                    left > 3 ? name##_element(at + 3) : 0.0);                                      \
    }

#endif
