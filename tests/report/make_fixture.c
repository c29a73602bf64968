// make_fixture NAME FOLDER: the folder of a fixture, for tests that are scripts.

#include <stdbool.h>
#include <stdio.h>

#include "fixture.h"

int main(int argc, char **argv)
{
    if (argc == 3 && fixture_make(argv[1], argv[2]))
        return 0;
    fprintf(stderr, "make_fixture NAME FOLDER, where NAME is one of");
    for (int i = 0; fixture_names[i]; i++)
        fprintf(stderr, " %s", fixture_names[i]);
    fprintf(stderr, "\n");
    return 2;
}
