/* SPDX-License-Identifier: Apache-2.0
 *
 * c_memory.c - the steps of a program, and where each value lies.
 *
 * Values that share memory are linked: a view lies in its input; an input of a concatenation, where nothing forbids it, in its place of the
 * result; an activation's input, which nobody else reads, where the result goes. What no link leads away from is a buffer, alive
 * from the first step that writes into it to the last that reads it. Buffers are placed the largest first, each at the lowest place where
 * nothing alive at the same time lies ("greedy by size", Pisarchyk & Lee 2020, arXiv:2001.03288).
 */
#include <assert.h>
#include <string.h>

#include "base/checked.h"
#include "interchange/c/c_internal.h"

enum { ALIGNMENT = 4 /* elements: vectors of 128 bits begin where a row of floats begins */ };

typedef struct link {
    fv_value to; /* FV_NO_VALUE: a buffer of its own */
    int64_t at;  /* element of `to` that is this value's first */
} link;

typedef struct buffer {
    int64_t elements, at;
    int32_t first, last; /* steps */
    bool placed;
} buffer;

typedef struct planner {
    fvi_c_program *program;
    link *links;        /* [node_count] */
    buffer *buffers;    /* [node_count] of values without a link */
    int32_t *readers;   /* [node_count] how many nodes read a value */
    fv_value *fused_by; /* [node_count] the activation that the node's step computes too */
    int32_t *order;     /* [node_count] values with buffers in the arena, the largest first */
} planner;

static bool is_input(const planner *p, fv_value value)
{
    return p->program->nodes[value].layer->is_input;
}

static bool is_view(const planner *p, fv_value value)
{
    return fvi_c_is_view(&p->program->nodes[value]);
}

static bool is_concat(const planner *p, fv_value value)
{
    return strcmp(p->program->nodes[value].layer->name, "concat") == 0;
}

static void count_readers(planner *p)
{
    for (int32_t i = 0; i < p->program->node_count; i++)
        for (int32_t j = 0; j < p->program->nodes[i].input_count; j++)
            p->readers[p->program->nodes[i].inputs[j]]++;
}

static void link_to(planner *p, fv_value value, fv_value to, int64_t at)
{
    p->links[value] = (link){ to, at };
}

/* An activation becomes a part of the step before it, which alone it reads. */
static void fuse(planner *p, fv_value value)
{
    const fvi_node *node = &p->program->nodes[value];
    const fv_value before = node->input_count == 1 ? node->inputs[0] : FV_NO_VALUE;
    if (node->layer->activation == NULL || p->readers[before] != 1 || is_input(p, before) ||
        !fvi_c_layer_of(p->program->nodes[before].layer)->fuses)
        return;
    p->fused_by[before] = value;
    link_to(p, before, value, 0);
}

/* The inputs of a concatenation move into their places of it. One that is a view, the image, or elsewhere already is copied. */
static void link_parts(planner *p, fv_value value)
{
    const fvi_node *node = &p->program->nodes[value];
    int64_t at = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        const fv_value part = node->inputs[i];
        if (p->links[part].to == FV_NO_VALUE && !is_view(p, part) && !is_input(p, part))
            link_to(p, part, value, at);
        at += fvi_c_elements(node->in[i]);
    }
}

/* The result of an element-wise layer goes where its first input lies, if nobody else reads that. */
static void link_in_place(planner *p, fv_value value)
{
    const fv_value x = p->program->nodes[value].inputs[0];
    if (p->readers[x] == 1 && p->links[x].to == FV_NO_VALUE && !is_view(p, x) && !is_input(p, x) && !is_concat(p, x))
        link_to(p, x, value, 0);
}

/* From the last node to the first, so that a result's place is decided before its inputs'. */
static void make_links(planner *p)
{
    const fvi_c_program *program = p->program;
    for (int32_t i = 0; i < program->node_count; i++)
        fuse(p, i);
    for (fv_value i = program->node_count - 1; i >= 0; i--) {
        const fvi_c_layer *layer = fvi_c_layer_of(program->nodes[i].layer);
        if (is_view(p, i))
            link_to(p, i, program->nodes[i].inputs[0], fvi_c_view_at(&program->nodes[i]));
        else if (is_concat(p, i) && !fvi_c_fixed(program))
            link_parts(p, i);
        else if (layer->in_place &&
                 !(p->program->nodes[i].layer->activation != NULL && p->fused_by[program->nodes[i].inputs[0]] == i))
            link_in_place(p, i);
    }
}

static fv_value root_of(const planner *p, fv_value value, int64_t *at)
{
    *at = 0;
    while (p->links[value].to != FV_NO_VALUE) {
        *at += p->links[value].at;
        value = p->links[value].to;
    }
    return value;
}

/* Whether every input of a concatenation lies in its place, so that nothing is left to do. */
static bool joins_itself(const planner *p, fv_value value)
{
    const fvi_node *node = &p->program->nodes[value];
    for (int32_t i = 0; i < node->input_count; i++)
        if (p->links[node->inputs[i]].to != value)
            return false;
    return is_concat(p, value);
}

static bool has_step(const planner *p, fv_value value)
{
    const fv_value x = p->program->nodes[value].input_count > 0 ? p->program->nodes[value].inputs[0] : FV_NO_VALUE;
    return !is_input(p, value) && !is_view(p, value) && !joins_itself(p, value) &&
           !(p->program->nodes[value].layer->activation != NULL && p->fused_by[x] == value);
}

static void make_steps(planner *p)
{
    fvi_c_program *program = p->program;
    for (fv_value i = 0; i < program->node_count; i++) {
        if (!has_step(p, i))
            continue;
        const fv_value activation = p->fused_by[i];
        program->steps[program->step_count++] =
            (fvi_c_step){ i, activation, activation != FV_NO_VALUE ? activation : i };
    }
}

static void touch(planner *p, fv_value value, int32_t step)
{
    int64_t at = 0;
    buffer *b = &p->buffers[root_of(p, value, &at)];
    b->first = step < b->first ? step : b->first;
    b->last = step > b->last ? step : b->last;
}

static void find_lifetimes(planner *p)
{
    const fvi_c_program *program = p->program;
    for (int32_t i = 0; i < program->node_count; i++)
        p->buffers[i] = (buffer){ fvi_c_elements(program->nodes[i].out), 0, INT32_MAX, -1, false };
    for (int32_t s = 0; s < program->step_count; s++) {
        const fvi_node *node = &program->nodes[program->steps[s].node];
        touch(p, program->steps[s].result, s);
        for (int32_t i = 0; i < node->input_count; i++)
            touch(p, node->inputs[i], s);
    }
}

/* Which buffer each value is in; the output's is the caller's array where it is as large. */
static void find_memory(planner *p)
{
    fvi_c_program *program = p->program;
    int64_t at = 0;
    const fv_value output = fv_graph_output(program->graph), root = root_of(p, output, &at);
    const bool direct =
        at == 0 && p->buffers[root].elements == fvi_c_elements(program->nodes[output].out) && !is_input(p, root);
    if (!direct)
        p->buffers[root].last = program->step_count; /* it is copied behind the last step */
    for (int32_t i = 0; i < program->node_count; i++) {
        fvi_c_place *place = &program->places[i];
        const fv_value holder = root_of(p, i, &place->at);
        if (is_input(p, holder))
            place->memory = FVI_C_INPUT;
        else if (holder == root && direct)
            place->memory = FVI_C_OUTPUT;
        else
            place->memory = FVI_C_ARENA;
    }
}

static bool in_arena(const planner *p, fv_value value)
{
    return p->links[value].to == FV_NO_VALUE && p->program->places[value].memory == FVI_C_ARENA;
}

static int32_t sort_buffers(planner *p)
{
    int32_t count = 0;
    for (int32_t i = 0; i < p->program->node_count; i++) {
        if (!in_arena(p, i))
            continue;
        int32_t at = count++;
        for (; at > 0 && p->buffers[p->order[at - 1]].elements < p->buffers[i].elements; at--)
            p->order[at] = p->order[at - 1];
        p->order[at] = i;
    }
    return count;
}

static bool collide(const buffer *a, const buffer *b, int64_t at)
{
    return b->placed && a->first <= b->last && b->first <= a->last && at < b->at + b->elements &&
           b->at < at + a->elements;
}

/* The lowest place of a buffer: from 0 on, behind each that is in the way. */
static int64_t lowest_place(const planner *p, const buffer *mine, int32_t count)
{
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int32_t i = 0; i < count; i++) {
            const buffer *other = &p->buffers[p->order[i]];
            if (collide(mine, other, at)) {
                at = (other->at + other->elements + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
                moved = true;
            }
        }
    }
    return at;
}

static fv_status place_buffers(planner *p)
{
    fvi_c_program *program = p->program;
    const int32_t count = sort_buffers(p);
    for (int32_t i = 0; i < count; i++) {
        buffer *mine = &p->buffers[p->order[i]];
        mine->at = lowest_place(p, mine, count);
        mine->placed = true;
        if (mine->at + mine->elements > program->arena_elements)
            program->arena_elements = mine->at + mine->elements;
    }
    if (program->arena_elements > INT32_MAX)
        return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                        "graph '%s': its values need %lld elements at a time; C source counts them in an int",
                        fv_graph_name(program->graph), (long long)program->arena_elements);
    for (int32_t i = 0; i < program->node_count; i++) {
        int64_t at = 0;
        if (program->places[i].memory == FVI_C_ARENA)
            program->places[i].at += p->buffers[root_of(p, i, &at)].at;
    }
    return FV_OK;
}

static void find_least(planner *p)
{
    fvi_c_program *program = p->program;
    for (int32_t s = 0; s < program->step_count; s++) {
        int64_t alive = 0;
        for (int32_t i = 0; i < program->node_count; i++)
            if (in_arena(p, i) && p->buffers[i].first <= s && p->buffers[i].last >= s)
                alive += p->buffers[i].elements;
        program->least_elements = alive > program->least_elements ? alive : program->least_elements;
    }
}

static fv_status allocate(planner *p)
{
    fvi_c_program *program = p->program;
    const int64_t count = program->node_count;
    FV_TRY(fvi_c_allocate(program, count, sizeof *p->links, (void **)&p->links));
    FV_TRY(fvi_c_allocate(program, count, sizeof *p->buffers, (void **)&p->buffers));
    FV_TRY(fvi_c_allocate(program, count, sizeof *p->readers, (void **)&p->readers));
    FV_TRY(fvi_c_allocate(program, count, sizeof *p->fused_by, (void **)&p->fused_by));
    FV_TRY(fvi_c_allocate(program, count, sizeof *p->order, (void **)&p->order));
    FV_TRY(fvi_c_allocate(program, count, sizeof *program->places, (void **)&program->places));
    FV_TRY(fvi_c_allocate(program, count, sizeof *program->steps, (void **)&program->steps));
    for (int32_t i = 0; i < program->node_count; i++) {
        p->links[i].to = FV_NO_VALUE;
        p->fused_by[i] = FV_NO_VALUE;
    }
    return FV_OK;
}

fv_status fvi_c_plan(fvi_c_program *program)
{
    planner p = { .program = program };
    FV_TRY(allocate(&p));
    count_readers(&p);
    make_links(&p);
    make_steps(&p);
    find_lifetimes(&p);
    find_memory(&p);
    FV_TRY(place_buffers(&p));
    find_least(&p);
    return FV_OK;
}
