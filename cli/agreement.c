/* SPDX-License-Identifier: Apache-2.0
 *
 * agreement.c - compiles exported C source, runs it on images, compares its answers with the library's. What is measured is what was
 * written: nothing here knows how the source computes.
 *
 * The program that is compiled around the source reads images as float32, order c, h, w, from a file and writes the index of the largest output of each, a
 * line each.
 */
#include "agreement.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { BATCH = 100, PATH_BYTES = 4096 };

static const char harness[] =
    "#include <math.h>\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "static float image[NAME(INPUTS)];\n"
    "static REAL input[NAME(INPUTS)], output[NAME(OUTPUTS)];\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    FILE *images = fopen(argv[1], \"rb\");\n"
    "    if (argc < 2 || images == NULL)\n"
    "        return 1;\n"
    "#ifdef BLOB\n"
    "    FILE *blob = fopen(BLOB, \"rb\");\n"
    "    void *weights = malloc(NAME(BLOB_BYTES));\n"
    "    if (blob == NULL || weights == NULL || fread(weights, 1, NAME(BLOB_BYTES), blob) != NAME(BLOB_BYTES) ||\n"
    "        INIT(weights, NAME(BLOB_BYTES)) != 0)\n"
    "        return 1;\n"
    "#endif\n"
    "    while (fread(image, sizeof image, 1, images) == 1) {\n"
    "        for (int i = 0; i < NAME(INPUTS); i++)\n"
    "#ifdef FIXED\n"
    "            input[i] = (REAL)lrint(fmax(-32768, fmin(32767, ldexp((double)image[i], NAME(INPUT_EXPONENT)))));\n"
    "#else\n"
    "            input[i] = image[i];\n"
    "#endif\n"
    "        PREDICT(input, output);\n"
    "        int best = 0;\n"
    "        for (int i = 1; i < NAME(OUTPUTS); i++)\n"
    "            best = output[i] > output[best] ? i : best;\n"
    "        printf(\"%d\\n\", best);\n"
    "    }\n"
    "    return 0;\n"
    "}\n";

typedef struct comparison {
    const cli_export *export;
    const fv_c_source_report *report;
    char folder[64], program[PATH_BYTES], main[PATH_BYTES], images[PATH_BYTES], answers[PATH_BYTES];
    int32_t *ours, *classes; /* [count]: the library's answers, the truth */
    int64_t count;
} comparison;

static int fail(const comparison *c, const char *what)
{
    return cli_fail(c->export->call->command, "agreement: %s", what);
}

static int32_t index_of_largest(const float *values, int32_t count)
{
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++)
        best = values[i] > values[best] ? i : best;
    return best;
}

/* One image, order h, w, c, to the file in the order c, h, w. */
static bool write_image(FILE *file, const float *image, fv_image_shape shape)
{
    for (int32_t c = 0; c < shape.c; c++)
        for (int32_t i = 0; i < shape.h * shape.w; i++)
            if (fwrite(&image[(size_t)i * (size_t)shape.c + (size_t)c], sizeof(float), 1, file) != 1)
                return false;
    return true;
}

/* The library's answers, and the images to a file, as both take them. */
static int run_library(comparison *c, const fv_dataset *test, fv_loader *loader, fv_predictor *predictor, FILE *file)
{
    const fv_image_shape shape = fv_model_preprocess(c->export->model)->input;
    const int32_t classes = fv_predictor_classes(predictor);
    const size_t elements = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    float *answers = calloc((size_t)BATCH * (size_t)classes, sizeof *answers);
    fv_batch batch = { 0 };
    int status = answers != NULL ? CLI_DONE : fail(c, "out of memory");
    fv_loader_start(loader, 0, 0);
    while (status == CLI_DONE && c->count < fv_dataset_count(test)) {
        if (fv_loader_next(loader, &batch) != FV_OK)
            status = fail(c, fv_loader_message(loader));
        else if (batch.n > 0 && fv_predictor_run(predictor, &batch, answers) != FV_OK)
            status = fail(c, fv_predictor_message(predictor));
        if (status != CLI_DONE || batch.n == 0)
            break;
        for (int32_t i = 0; i < batch.n && status == CLI_DONE; i++) {
            if (!write_image(file, (const float *)batch.images + (size_t)i * elements, shape))
                status = fail(c, "cannot write a temporary file");
            c->ours[c->count] = index_of_largest(answers + (size_t)i * (size_t)classes, classes);
            c->classes[c->count++] = batch.classes != NULL ? batch.classes[i] : -1;
        }
    }
    free(answers);
    return status;
}

static int ask_library(comparison *c, const fv_dataset *test)
{
    const cli_export *export = c->export;
    const fv_loader_options loading = { .batch = BATCH, .preprocess = *fv_model_preprocess(export->model) };
    const fv_predictor_options predicting = { .batch = BATCH };
    fv_loader *loader = NULL;
    fv_predictor *predictor = NULL;
    FILE *file = fopen(c->images, "wb");
    int status = file != NULL ? CLI_DONE : fail(c, "cannot write a temporary file");
    if (status == CLI_DONE &&
        (fv_loader_create(&loader, export->context, test, &loading) != FV_OK ||
         fv_predictor_create_with(&predictor, fv_model_params(export->model), &predicting) != FV_OK))
        status = fail(c, fv_context_message(export->context));
    if (status == CLI_DONE)
        status = run_library(c, test, loader, predictor, file);
    if (file != NULL && fclose(file) != 0 && status == CLI_DONE)
        status = fail(c, "cannot write a temporary file");
    fv_predictor_destroy(predictor);
    fv_loader_destroy(loader);
    return status;
}

/* Runs a program, its output to a file or, NULL, nowhere special. The exit status, or -1. */
static int spawn(char *const arguments[], const char *output)
{
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int status = 0;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (output != NULL)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int wrong = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (wrong != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static bool write_main(const comparison *c, const char *source)
{
    const cli_export_values *given = c->export->given;
    FILE *file = fopen(c->main, "w");
    if (file == NULL)
        return false;
    char upper[64];
    for (size_t i = 0; i < sizeof upper; i++)
        upper[i] = (char)(c->report->name[i] >= 'a' && c->report->name[i] <= 'z' ? c->report->name[i] - 'a' + 'A'
                                                                                 : c->report->name[i]);
    fprintf(file, "#include \"%s.h\"\n#define NAME(what) %s_##what\n#define PREDICT %s_predict\n#define INIT %s_init\n",
            source, upper, c->report->name, c->report->name);
    if (given->arithmetic == FV_C_FIXED_POINT)
        fprintf(file, "#define FIXED\n#define REAL int16_t\n");
    else
        fprintf(file, "#define REAL float\n");
    if (given->blob)
        fprintf(file, "#define BLOB \"%s.bin\"\n", source);
    fputs(harness, file);
    return fclose(file) == 0;
}

/* False where there is no compiler, or it refuses. */
static bool compile(const comparison *c)
{
    char source[PATH_BYTES], code[PATH_BYTES + 2];
    if (realpath(".", source) == NULL)
        return false;
    const char *const out = c->export->given->out;
    if (out[0] == '/')
        snprintf(source, sizeof source, "%s", out);
    else
        snprintf(source + strlen(source), sizeof source - strlen(source), "/%s", out);
    snprintf(code, sizeof code, "%s.c", source);
    const char *compiler = getenv("CC") != NULL ? getenv("CC") : "cc";
    char *const arguments[] = { (char *)compiler,   "-std=c99",      "-O2", "-w",  "-o",
                                (char *)c->program, (char *)c->main, code,  "-lm", NULL };
    return write_main(c, source) && spawn(arguments, NULL) == 0;
}

static int count_answers(const comparison *c, int64_t *same, int64_t *right, int64_t *ours_right)
{
    FILE *file = fopen(c->answers, "r");
    int64_t read = 0;
    int answer = 0;
    *same = *right = *ours_right = 0;
    for (; file != NULL && read < c->count && fscanf(file, "%d", &answer) == 1; read++) {
        *same += answer == c->ours[read];
        *right += answer == c->classes[read];
        *ours_right += c->ours[read] == c->classes[read];
    }
    if (file != NULL)
        fclose(file);
    return read == c->count ? CLI_DONE : fail(c, "the compiled source stopped before the last image");
}

static int compare(comparison *c, const fv_dataset *test)
{
    char *const arguments[] = { c->program, c->images, NULL };
    int64_t same = 0, right = 0, ours_right = 0;
    if (!compile(c)) {
        printf("agreement not measured: '%s' did not compile the source\n", getenv("CC") != NULL ? getenv("CC") : "cc");
        return cli_finish_output(c->export->call->command);
    }
    int status = ask_library(c, test);
    if (status == CLI_DONE && spawn(arguments, c->answers) != 0)
        status = fail(c, "the compiled source failed");
    if (status == CLI_DONE)
        status = count_answers(c, &same, &right, &ours_right);
    if (status != CLI_DONE)
        return status;
    printf("agreement %lld of %lld test images (%.2f%%); right are %.2f%%, of the library %.2f%%\n", (long long)same,
           (long long)c->count, 100 * (double)same / (double)c->count, 100 * (double)right / (double)c->count,
           100 * (double)ours_right / (double)c->count);
    return cli_finish_output(c->export->call->command);
}

int cli_print_agreement(const cli_export *export, const fv_c_source_report *report, const fv_dataset *test)
{
    comparison c = { .export = export, .report = report };
    const char *const base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    const int length = snprintf(c.folder, sizeof c.folder, "%s/fovea-export-XXXXXX", base);
    if (length < 0 || (size_t)length >= sizeof c.folder || mkdtemp(c.folder) == NULL)
        return fail(&c, "cannot make a temporary folder");
    snprintf(c.program, sizeof c.program, "%s/program", c.folder);
    snprintf(c.main, sizeof c.main, "%s/main.c", c.folder);
    snprintf(c.images, sizeof c.images, "%s/images", c.folder);
    snprintf(c.answers, sizeof c.answers, "%s/answers", c.folder);
    const size_t count = (size_t)fv_dataset_count(test);
    c.ours = calloc(count, sizeof *c.ours);
    c.classes = calloc(count, sizeof *c.classes);
    const int status = c.ours != NULL && c.classes != NULL ? compare(&c, test) : fail(&c, "out of memory");
    const char *const files[] = { c.program, c.main, c.images, c.answers };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(files[i]);
    rmdir(c.folder);
    free(c.ours);
    free(c.classes);
    return status;
}
