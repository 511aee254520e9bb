/* SPDX-License-Identifier: Apache-2.0
 *
 * server.c - see server.h. One connection at a time, one request each.
 */
#include "support/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

enum { REQUEST = 4096 };

static bool read_request(int connection, char request[REQUEST])
{
    size_t used = 0;
    while (used + 1 < REQUEST) {
        const ssize_t got = recv(connection, request + used, REQUEST - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void send_all(int connection, const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        count -= (size_t)sent;
    }
}

static test_page *find_page(const test_server *server, const char *request)
{
    for (test_page *page = server->pages; page->path != NULL; page++) {
        const size_t length = strlen(page->path);
        if (strncmp(request, "GET ", 4) == 0 && strncmp(request + 4, page->path, length) == 0 &&
            request[4 + length] == ' ')
            return page;
    }
    return NULL;
}

static void answer(int connection, test_page *page, const char *request)
{
    const char *range = strcasestr(request, "\r\nRange: bytes=");
    char head[1024];
    size_t from = range != NULL && !page->no_ranges ? strtoul(range + 15, NULL, 10) : 0;
    int status = page->status != 0 ? page->status : range != NULL && !page->no_ranges ? 206 : 200;
    page->requests++;
    page->from = from;
    if (status == 206 && from >= page->size)
        status = 416;
    from -= status == 206 && page->shifted;
    size_t bytes = status == 416 ? 0 : page->size - from;
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d Some\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
                          status, page->type != NULL ? page->type : "application/octet-stream", bytes);
    if (status == 206)
        length += snprintf(head + length, sizeof head - (size_t)length, "Content-Range: bytes %zu-%zu/%zu\r\n", from,
                           page->size - 1, page->size);
    if (page->location != NULL)
        length += snprintf(head + length, sizeof head - (size_t)length, "Location: %s\r\n", page->location);
    length += snprintf(head + length, sizeof head - (size_t)length, "\r\n");
    send_all(connection, head, (size_t)length);
    if (page->cuts > 0 && page->cut < bytes) {
        page->cuts--;
        bytes = page->cut;
    }
    if (bytes > 0)
        send_all(connection, (const char *)page->bytes + from, bytes);
}

static void *serve(void *argument)
{
    const test_server *server = argument;
    char request[REQUEST];
    for (;;) {
        const int connection = accept(server->listening, NULL, NULL);
        if (connection < 0)
            return NULL;
        if (read_request(connection, request)) {
            test_page nothing = {
                .status = 404, .bytes = "<html>no such page</html>", .size = 25, .type = "text/html"
            };
            test_page *page = find_page(server, request);
            answer(connection, page != NULL ? page : &nothing, request);
        }
        shutdown(connection, SHUT_WR);
        while (recv(connection, request, sizeof request, 0) > 0)
            ;
        close(connection);
    }
}

void test_server_start(test_server *server, test_page *pages)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof here;
    *server = (test_server){ .pages = pages, .listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_true(server->listening >= 0);
    assert_int_equal(bind(server->listening, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(server->listening, 8), 0);
    assert_int_equal(getsockname(server->listening, (struct sockaddr *)&here, &size), 0);
    snprintf(server->address, sizeof server->address, "http://127.0.0.1:%d", ntohs(here.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void test_server_stop(test_server *server)
{
    shutdown(server->listening, SHUT_RDWR); /* which ends accept() */
    pthread_join(server->thread, NULL);
    close(server->listening);
}
