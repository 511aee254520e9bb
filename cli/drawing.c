/* SPDX-License-Identifier: Apache-2.0
 *
 * drawing.c - writing a drawing, and running Graphviz's program on it where the file's ending asks for a picture.
 */
#include "drawing.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What dot calls the format, by the ending of the file's name. NULL: the drawing's own text. */
static bool find_format(const char *path, const char **format)
{
    static const char *const endings[] = { ".dot", ".gv", ".svg", ".png", ".pdf" };
    static const char *const formats[] = { NULL, NULL, "-Tsvg", "-Tpng", "-Tpdf" };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(dot, endings[i]) == 0) {
            *format = formats[i];
            return true;
        }
    return false;
}

static int write_text(const cli_command *command, const char *text, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return cli_fail(command, "cannot write '%s': %s", path, strerror(errno));
    const bool wrote = fputs(text, file) >= 0;
    const bool closed = fclose(file) == 0;
    return wrote && closed ? CLI_DONE : cli_fail(command, "cannot write '%s': %s", path, strerror(errno));
}

/* dot -T<format> -o path, the text on its standard input. */
static int run_dot(const cli_command *command, FILE *input, const char *format, const char *path)
{
    /* posix_spawnp() takes texts that it could change, but does not. */
    char *const arguments[] = { (char *)(uintptr_t) "dot", (char *)(uintptr_t)format, (char *)(uintptr_t) "-o",
                                (char *)(uintptr_t)path, NULL };
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int status = 0;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return cli_fail(command, "out of memory");
    int error = posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
    if (error == 0)
        error = posix_spawnp(&child, "dot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return cli_fail(command,
                        "cannot run Graphviz's program dot (%s); install graphviz, or write a .dot file: --out net.dot",
                        strerror(error));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return cli_fail(command, "cannot wait for dot: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return cli_fail(command, "dot could not write '%s'", path);
    return CLI_DONE;
}

static int write_picture(const cli_command *command, const char *text, const char *format, const char *path)
{
    FILE *input = tmpfile();
    if (input == NULL)
        return cli_fail(command, "cannot write a temporary file: %s", strerror(errno));
    int status = CLI_FAILED;
    if (fputs(text, input) < 0 || fflush(input) != 0 || lseek(fileno(input), 0, SEEK_SET) != 0)
        cli_fail(command, "cannot write a temporary file: %s", strerror(errno));
    else
        status = run_dot(command, input, format, path);
    fclose(input);
    return status;
}

int cli_draw(const cli_command *command, const fv_graph *graph, const fv_dot_options *options, const char *path)
{
    fv_context *context = fv_graph_context(graph);
    const char *format = NULL;
    char *text = NULL;
    if (path != NULL && !find_format(path, &format))
        return cli_usage_error(command, "--out '%s': a drawing is .dot, .gv, .svg, .png or .pdf", path);
    if (fv_graph_to_dot(graph, options, &text) != FV_OK)
        return cli_fail(command, "%s", fv_context_message(context));
    int status = CLI_DONE;
    if (path == NULL)
        status = fputs(text, stdout) < 0 ? CLI_FAILED : CLI_DONE;
    else if (format == NULL)
        status = write_text(command, text, path);
    else
        status = write_picture(command, text, format, path);
    fv_text_release(context, text);
    return status == CLI_DONE && path == NULL ? cli_finish_output(command) : status;
}
