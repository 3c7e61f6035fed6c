/* handles.c - see handles.h: a hash table of a session's own. Ids count up, so slots fill evenly. */
#include "handles.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

struct handle *handle_new(struct session *session, struct prepared *prepared)
{
    struct handle *handle = calloc(1, sizeof *handle);
    if (handle)
        handle->prepared = prepared;
    else
        prepared_unref(&session->worker->pools.prepared, &session->worker->states, prepared);
    return handle;
}

static bool grow(struct handles *handles)
{
    uint32_t size = handles->size ? 2 * handles->size : 4;
    struct handle **slots = calloc(size, sizeof *slots);
    if (!slots)
        return handles->size > 0; /* longer chains, nothing worse */
    for (uint32_t i = 0; i < handles->size; i++)
        for (struct handle *handle = handles->slots[i], *next; handle; handle = next) {
            next = handle->next;
            handle->next = slots[handle->id & (size - 1)];
            slots[handle->id & (size - 1)] = handle;
        }
    free(handles->slots);
    handles->slots = slots;
    handles->size = size;
    return true;
}

bool handle_add(struct session *session, struct handle *handle)
{
    if (!session->handles && !(session->handles = calloc(1, sizeof *session->handles)))
        return false;
    struct handles *handles = session->handles;
    if (handles->count >= handles->size && !grow(handles))
        return false;
    do
        handle->id = ++handles->last_id;
    while (handle->id == 0 || handle->id == HANDLE_LATEST || handle_find(session, handle->id));
    struct handle **slot = &handles->slots[handle->id & (handles->size - 1)];
    handle->next = *slot;
    *slot = handle;
    handles->count++;
    handles->latest = handle;
    return true;
}

void handle_free(struct session *session, struct handle *handle)
{
    if (!handle)
        return;
    handle_drop_data(session, handle);
    prepared_unref(&session->worker->pools.prepared, &session->worker->states, handle->prepared);
    free(handle->types);
    free(handle);
}

struct handle *handle_find(const struct session *session, uint32_t id)
{
    const struct handles *handles = session->handles;
    if (!handles || !handles->size)
        return NULL;
    if (id == HANDLE_LATEST)
        return handles->latest;
    struct handle *handle = handles->slots[id & (handles->size - 1)];
    while (handle && handle->id != id)
        handle = handle->next;
    return handle;
}

void handle_remove(struct session *session, struct handle *handle)
{
    struct handles *handles = session->handles;
    struct handle **at = &handles->slots[handle->id & (handles->size - 1)];
    while (*at != handle)
        at = &(*at)->next;
    *at = handle->next;
    handles->count--;
    handle_set_held(session, handle, false, false);
    if (handles->latest == handle)
        handles->latest = NULL;
    handle_free(session, handle);
}

void handles_free(struct session *session)
{
    struct handles *handles = session->handles;
    for (uint32_t i = 0; handles && i < handles->size; i++)
        while (handles->slots[i])
            handle_remove(session, handles->slots[i]);
    if (handles)
        free(handles->slots);
    free(handles);
    session->handles = NULL;
}

void handles_lose_held(struct session *session)
{
    struct handles *handles = session->handles;
    for (uint32_t i = 0; handles && handles->held && i < handles->size; i++)
        for (struct handle *handle = handles->slots[i]; handle; handle = handle->next) {
            handle->spoilt |= handle->streamed;
            handle_set_held(session, handle, false, false);
        }
}

void handle_set_held(struct session *session, struct handle *handle, bool cursor, bool streamed)
{
    session->handles->held -= handle->cursor || handle->streamed;
    session->handles->held += cursor || streamed;
    handle->cursor = cursor;
    handle->streamed = streamed;
}

unsigned handles_pins(const struct session *session)
{
    const struct handles *handles = session->handles;
    unsigned pins = 0;
    for (uint32_t i = 0; handles && handles->held && i < handles->size; i++)
        for (const struct handle *handle = handles->slots[i]; handle; handle = handle->next)
            pins |= (handle->cursor ? PIN_CURSOR : 0) | (handle->streamed ? PIN_LONG_DATA : 0);
    return pins;
}

bool handle_keep_data(struct session *session, struct handle *handle, const uint8_t *payload, size_t length)
{
    struct long_data *data, **end = &handle->data;
    if (session->handles->data_bytes + length > LONG_DATA_MAX ||
        !(data = malloc(sizeof *data + PACKET_HEADER + length)))
        return false;
    *data = (struct long_data){.length = (uint32_t)(PACKET_HEADER + length)};
    struct writer w = writer_of(data->packet, PACKET_HEADER + length);
    write_u24(&w, (uint32_t)length);
    write_u8(&w, 0);
    write_bytes(&w, payload, length);
    while (*end)
        end = &(*end)->next;
    *end = data;
    session->handles->data_bytes += length;
    return true;
}

void handle_drop_data(struct session *session, struct handle *handle)
{
    while (handle->data) {
        struct long_data *data = handle->data;
        handle->data = data->next;
        session->handles->data_bytes -= data->length - PACKET_HEADER;
        free(data);
    }
}

bool handle_set_types(struct handle *handle, const uint8_t *types)
{
    size_t length = 2 * (size_t)handle->parameters;
    if (!handle->types && !(handle->types = malloc(1 + length)))
        return false;
    handle->types[0] = 1; /* new_params_bound */
    memcpy(handle->types + 1, types, length);
    return true;
}
