// One row of an option table; see option_row.h.

#include "plugin/option_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t option_row_size(const struct em_option *o)
{
    switch (o->type) {
    case EM_OPTION_INT:
    case EM_OPTION_CHOICE:
        return sizeof(int);
    case EM_OPTION_FLOAT:
        return sizeof(float);
    case EM_OPTION_BOOL:
        return sizeof(bool);
    case EM_OPTION_INTS:
        return sizeof(struct em_int_list);
    case EM_OPTION_FLOATS:
        return sizeof(struct em_float_list);
    case EM_OPTION_STRING:
    case EM_OPTION_PATH:
        return sizeof(const char *);
    default:
        return 0;
    }
}

int option_row_max_items(const struct em_option *o)
{
    return o->max_items ? o->max_items : EM_MAX_LIST;
}

void option_row_default(const struct em_option *o, void *at)
{
    struct em_int_list *ints = at;
    struct em_float_list *floats = at;
    memset(at, 0, option_row_size(o));
    switch (o->type) {
    case EM_OPTION_INT:
    case EM_OPTION_CHOICE:
        *(int *) at = (int) o->fallback;
        break;
    case EM_OPTION_FLOAT:
        *(float *) at = (float) o->fallback;
        break;
    case EM_OPTION_BOOL:
        *(bool *) at = o->fallback != 0;
        break;
    case EM_OPTION_INTS:
        ints->num = o->list_num;
        memcpy(ints->at, o->ints, (size_t) o->list_num * sizeof(int));
        break;
    case EM_OPTION_FLOATS:
        floats->num = o->list_num;
        memcpy(floats->at, o->floats, (size_t) o->list_num * sizeof(float));
        break;
    default:
        *(const char **) at = o->text;
        break;
    }
}

static const char *choice_list(struct arena *a, const struct em_option *o)
{
    char *list = arena_copy(a, o->choices[1] ? "one of" : "");
    for (int i = 0; o->choices[i]; i++)
        list = arena_print(a, "%s%s%s\"%s\"", list, i ? "," : "", *list ? " " : "", o->choices[i]);
    return list;
}

static const char *list_domain(struct arena *a, const struct em_option *o, const char *what)
{
    const int max = option_row_max_items(o);
    if (max == 1)
        return arena_print(a, "a list of one %snumber from %.9g to %.9g", what, o->min, o->max);
    return arena_print(a, "a list of 1 to %d %snumbers from %.9g to %.9g", max, what, o->min,
                       o->max);
}

const char *option_row_domain(struct arena *a, const struct em_option *o)
{
    switch (o->type) {
    case EM_OPTION_INT:
        return arena_print(a, "a whole number from %.10g to %.10g", o->min, o->max);
    case EM_OPTION_FLOAT:
        return arena_print(a, "a number from %.9g to %.9g", o->min, o->max);
    case EM_OPTION_BOOL:
        return "true or false";
    case EM_OPTION_CHOICE:
        return choice_list(a, o);
    case EM_OPTION_INTS:
        return list_domain(a, o, "whole ");
    case EM_OPTION_FLOATS:
        return list_domain(a, o, "");
    case EM_OPTION_PATH:
        return "a path in quotes";
    default:
        return "a text in quotes";
    }
}

// The double nearest to the shortest decimal that reads back as `x`: 0.1f prints as 0.1.
static double float_in_short(float x)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double) x);
        if (strtof(text, NULL) == x)
            break;
    }
    return strtod(text, NULL);
}

cJSON *option_row_json(const struct em_option *o, const void *at)
{
    const struct em_int_list *ints = at;
    const struct em_float_list *floats = at;
    const char *text;
    cJSON *list;
    switch (o->type) {
    case EM_OPTION_INT:
        return cJSON_CreateNumber(*(const int *) at);
    case EM_OPTION_FLOAT:
        return cJSON_CreateNumber(float_in_short(*(const float *) at));
    case EM_OPTION_BOOL:
        return cJSON_CreateBool(*(const bool *) at);
    case EM_OPTION_CHOICE:
        return cJSON_CreateString(o->choices[*(const int *) at]);
    case EM_OPTION_INTS:
        return cJSON_CreateIntArray(ints->at, ints->num);
    case EM_OPTION_FLOATS:
        list = cJSON_CreateArray();
        for (int i = 0; i < floats->num; i++)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(float_in_short(floats->at[i])));
        return list;
    default:
        text = *(const char *const *) at;
        return text ? cJSON_CreateString(text) : cJSON_CreateNull();
    }
}
