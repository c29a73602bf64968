// Whether standard input is one JSON value: exit code 0 or 1.

#include <stdio.h>

#include <cjson/cJSON.h>

int main(void)
{
    static char text[1 << 20];
    const size_t size = fread(text, 1, sizeof(text) - 1, stdin);
    cJSON *json = cJSON_ParseWithLengthOpts(text, size + 1, NULL, 1);
    const int code = json ? 0 : 1;
    cJSON_Delete(json);
    return code;
}
