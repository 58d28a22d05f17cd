/* libsmpp34 as an ESME: sends messages.json over one transceiver bind and waits for the receipts.
 *
 * Usage: libsmpp34_peer MESSAGES_JSON HOST PORT SYSTEM_ID PASSWORD
 * Prints one JSON line per message; exit status 0 when every segment has its receipt.
 *
 * The library packs and unpacks PDUs and has no sockets; those are ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <iconv.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <json.h>
#include <smpp34.h>
#include <smpp34_structs.h>
#include <smpp34_params.h>

#define SOURCE_ADDR "12345"
#define RECEIPT_WAIT_MS 20000
#define ANSWER_WAIT_MS 5000
#define PART_OCTETS 153
#define WHOLE_OCTETS 160
#define DATA_CODING_UCS2 0x08
#define REFERENCE 78
#define MAX_MESSAGES 16
#define MAX_PARTS 16
#define MAX_PDU 4096

struct sent {
    const char *name;
    int parts;
    int answered;
    uint32_t sequence_numbers[MAX_PARTS];
    char message_ids[MAX_PARTS][65];
    char states[MAX_PARTS][16]; /* of the part's receipt; empty while there is none */
    int receipts;
};

static int connection;
static uint32_t last_sequence_number;
static struct sent messages[MAX_MESSAGES];
static int message_count;

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* -- PDUs ------------------------------------------------------------------------------------------ */

static void send_pdu(void *pdu)
{
    uint8_t octets[MAX_PDU];
    int length = 0;
    if (smpp34_pack2(octets, sizeof octets, &length, pdu) != 0)
        fail("not packed: %d %s", smpp34_errno, smpp34_strerror);
    for (int sent = 0; sent < length;) {
        ssize_t more = write(connection, octets + sent, length - sent);
        if (more <= 0)
            fail("connection: %s", strerror(errno));
        sent += more;
    }
}

static void send_request(void *pdu)
{
    unbind_t *header = pdu; /* every PDU begins with the same four fields */
    header->sequence_number = ++last_sequence_number;
    send_pdu(pdu);
}

static void read_octets(uint8_t *octets, int length)
{
    for (int got = 0; got < length;) {
        ssize_t more = read(connection, octets + got, length - got);
        if (more <= 0)
            fail(more == 0 ? "connection closed by the SMSC" : "connection: %s", strerror(errno));
        got += more;
    }
}

/* One PDU's octets; the command_id, or 0 when none came until the time `until`. */
static uint32_t read_pdu(uint8_t *octets, int *length, long long until)
{
    struct pollfd readable = {.fd = connection, .events = POLLIN};
    long long left = until - now_ms();
    if (left <= 0 || poll(&readable, 1, left) <= 0)
        return 0;
    uint32_t word;
    read_octets(octets, 4);
    memcpy(&word, octets, 4);
    *length = ntohl(word);
    if (*length < 16 || *length > MAX_PDU)
        fail("a PDU of %d octets", *length);
    read_octets(octets + 4, *length - 4);
    memcpy(&word, octets + 4, 4);
    return ntohl(word);
}

static void unpack(void *pdu, const uint8_t *octets, int length)
{
    if (smpp34_unpack2(pdu, octets, length) != 0)
        fail("not unpacked: %d %s", smpp34_errno, smpp34_strerror);
}

/* -- texts ----------------------------------------------------------------------------------------- */

/* The GSM default alphabet with its extension table, as far as it stands for ASCII; -1: the text has more. */
static int to_gsm(const char *text, uint8_t *octets)
{
    static const char extended[] = "^{}\\[~]|";
    static const uint8_t extended_codes[] = {0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40};
    int length = 0;
    for (; *text; text++) {
        const char *found = strchr(extended, *text);
        if (*text < 0x20 || *text == '`')
            return -1; /* a char is signed here, so all of UTF-8 beyond ASCII is less */
        if (found) {
            octets[length++] = 0x1B;
            octets[length++] = extended_codes[found - extended];
        } else {
            octets[length++] = *text == '@' ? 0x00 : *text == '$' ? 0x02 : *text == '_' ? 0x11 : *text;
        }
    }
    return length;
}

static int to_utf16(const char *text, uint8_t *octets, size_t room)
{
    iconv_t converter = iconv_open("UTF-16BE", "UTF-8");
    char *from = (char *)text, *to = (char *)octets;
    size_t from_left = strlen(text), to_left = room;
    if (converter == (iconv_t)-1 || iconv(converter, &from, &from_left, &to, &to_left) == (size_t)-1)
        fail("not converted to UTF-16: %s", strerror(errno));
    iconv_close(converter);
    return room - to_left;
}

static void submit(struct sent *message, const char *to, const uint8_t *octets, int length, int part, int total,
                   uint8_t data_coding)
{
    submit_sm_t pdu;
    memset(&pdu, 0, sizeof pdu);
    pdu.command_id = SUBMIT_SM;
    strcpy((char *)pdu.source_addr, SOURCE_ADDR);
    pdu.dest_addr_ton = TON_International;
    pdu.dest_addr_npi = NPI_ISDN_E163_E164;
    snprintf((char *)pdu.destination_addr, sizeof pdu.destination_addr, "%s", to);
    pdu.registered_delivery = SMPP34_DELIVERY_RECEIPT_ON;
    pdu.data_coding = data_coding;
    if (total > 1) {
        const uint8_t header[] = {5, 0, 3, REFERENCE, total, part};
        pdu.esm_class = SMPP34_UDHI_IND;
        memcpy(pdu.short_message, header, sizeof header);
        pdu.sm_length = sizeof header;
    }
    memcpy(pdu.short_message + pdu.sm_length, octets, length);
    pdu.sm_length += length;
    send_request(&pdu);
    message->sequence_numbers[message->parts++] = pdu.sequence_number;
}

static void submit_text(struct sent *message, const char *to, const char *text)
{
    uint8_t octets[MAX_PDU];
    if (strlen(text) > sizeof octets / 2) /* a character may take two septets */
        fail("%s is too long", message->name);
    int length = to_gsm(text, octets);
    if (length < 0) {
        submit(message, to, octets, to_utf16(text, octets, WHOLE_OCTETS), 1, 1, DATA_CODING_UCS2);
        return;
    }
    if (length <= WHOLE_OCTETS) {
        submit(message, to, octets, length, 1, 1, 0);
        return;
    }
    int total = (length + PART_OCTETS - 1) / PART_OCTETS;
    if (total > MAX_PARTS)
        fail("%s has too many parts", message->name);
    for (int part = 0; part < total; part++) {
        int begin = part * PART_OCTETS;
        int size = length - begin < PART_OCTETS ? length - begin : PART_OCTETS;
        submit(message, to, octets + begin, size, part + 1, total, 0);
    }
}

/* -- what comes back ------------------------------------------------------------------------------- */

static void take_answer(const submit_sm_resp_t *pdu)
{
    if (pdu->command_status != ESME_ROK)
        fail("submit_sm refused: %#x", pdu->command_status);
    for (struct sent *message = messages; message < messages + message_count; message++)
        for (int part = 0; part < message->parts; part++)
            if (message->sequence_numbers[part] == pdu->sequence_number && !message->message_ids[part][0]) {
                snprintf(message->message_ids[part], sizeof message->message_ids[part], "%s", pdu->message_id);
                message->answered++;
                return;
            }
    fail("an answer to sequence_number %u, which is none of ours", pdu->sequence_number);
}

/* The receipt's TLV and its text have to name the same message. */
static void take_receipt(const deliver_sm_t *pdu)
{
    char text[SHORT_MESSAGE_LENGTH] = "", id[65], state[16], in_tlv[65] = "";
    memcpy(text, pdu->short_message, pdu->sm_length);
    const char *stat = strstr(text, " stat:");
    if (sscanf(text, "id:%64s", id) != 1 || !stat || sscanf(stat, " stat:%15s", state) != 1)
        fail("no receipt text: %s", text);
    if (!(pdu->esm_class & SMPP34_DELIVERY_RECEIPT))
        fail("esm_class %#x of a receipt", pdu->esm_class);
    tlv_t *tlv;
    smpp34_tlv_for_each(tlv, pdu->tlv)
    {
        if (tlv->tag == TLVID_receipted_message_id)
            snprintf(in_tlv, sizeof in_tlv, "%.*s", tlv->length, (const char *)tlv->value.octet);
    }
    if (strcmp(in_tlv, id) != 0)
        fail("receipted_message_id %s differs from the text's %s", in_tlv, id);
    for (struct sent *message = messages; message < messages + message_count; message++)
        for (int part = 0; part < message->parts; part++)
            if (strcmp(message->message_ids[part], id) == 0) {
                if (message->states[part][0])
                    fail("the receipt of %s came twice", id);
                strcpy(message->states[part], state);
                message->receipts++;
                return;
            }
    fail("a receipt of %s, which is none of ours, or which came before the response", id);
}

static void take(uint32_t command_id, const uint8_t *octets, int length)
{
    if (command_id == SUBMIT_SM_RESP) {
        submit_sm_resp_t pdu = {0};
        unpack(&pdu, octets, length);
        take_answer(&pdu);
    } else if (command_id == DELIVER_SM) {
        deliver_sm_t pdu = {0};
        unpack(&pdu, octets, length);
        take_receipt(&pdu);
        destroy_tlv(pdu.tlv);
        deliver_sm_resp_t answer = {.command_id = DELIVER_SM_RESP, .sequence_number = pdu.sequence_number};
        send_pdu(&answer);
    } else if (command_id == ENQUIRE_LINK) {
        enquire_link_t pdu = {0};
        unpack(&pdu, octets, length);
        enquire_link_resp_t answer = {.command_id = ENQUIRE_LINK_RESP, .sequence_number = pdu.sequence_number};
        send_pdu(&answer);
    } else {
        fail("command_id %#x is not expected", command_id);
    }
}

static int complete(void)
{
    for (struct sent *message = messages; message < messages + message_count; message++)
        if (message->answered < message->parts || message->receipts < message->parts)
            return 0;
    return 1;
}

static void print_message(const struct sent *message)
{
    json_object *line = json_object_new_object();
    json_object *ids = json_object_new_array(), *receipts = json_object_new_array();
    for (int part = 0; part < message->parts; part++) {
        if (message->message_ids[part][0])
            json_object_array_add(ids, json_object_new_string(message->message_ids[part]));
        if (message->states[part][0]) {
            json_object *receipt = json_object_new_object();
            json_object_object_add(receipt, "id", json_object_new_string(message->message_ids[part]));
            json_object_object_add(receipt, "stat", json_object_new_string(message->states[part]));
            json_object_array_add(receipts, receipt);
        }
    }
    json_object_object_add(line, "name", json_object_new_string(message->name));
    json_object_object_add(line, "message_ids", ids);
    json_object_object_add(line, "receipts", receipts);
    puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
    json_object_put(line);
}

/* -- the session ----------------------------------------------------------------------------------- */

static void open_connection(const char *host, const char *port)
{
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, port, &wanted, &found) != 0)
        fail("no such address: %s:%s", host, port);
    connection = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (connection < 0 || connect(connection, found->ai_addr, found->ai_addrlen) != 0)
        fail("no connection to %s:%s: %s", host, port, strerror(errno));
    freeaddrinfo(found);
    struct timeval patience = {.tv_sec = ANSWER_WAIT_MS / 1000}; /* for a PDU that stops in the middle */
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

static void bind_transceiver(const char *system_id, const char *password)
{
    bind_transceiver_t request = {.command_id = BIND_TRANSCEIVER, .interface_version = SMPP_VERSION};
    bind_transceiver_resp_t answer = {0};
    uint8_t octets[MAX_PDU];
    int length;
    snprintf((char *)request.system_id, sizeof request.system_id, "%s", system_id);
    snprintf((char *)request.password, sizeof request.password, "%s", password);
    send_request(&request);
    if (read_pdu(octets, &length, now_ms() + ANSWER_WAIT_MS) != BIND_TRANSCEIVER_RESP)
        fail("no answer to bind_transceiver");
    unpack(&answer, octets, length);
    if (answer.command_status != ESME_ROK)
        fail("bind_transceiver refused: %#x", answer.command_status);
    destroy_tlv(answer.tlv);
}

static void unbind(void)
{
    unbind_t request = {.command_id = UNBIND};
    uint8_t octets[MAX_PDU];
    int length;
    send_request(&request);
    if (read_pdu(octets, &length, now_ms() + ANSWER_WAIT_MS) != UNBIND_RESP)
        fail("no answer to unbind");
}

static const char *member(json_object *entry, const char *name)
{
    return json_object_get_string(json_object_object_get(entry, name));
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fail("usage: %s MESSAGES_JSON HOST PORT SYSTEM_ID PASSWORD", argv[0]);
    json_object *entries = json_object_from_file(argv[1]);
    if (!entries || json_object_array_length(entries) > MAX_MESSAGES)
        fail("%s: %s", argv[1], json_util_get_last_err());
    open_connection(argv[2], argv[3]);
    bind_transceiver(argv[4], argv[5]);
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        json_object *entry = json_object_array_get_idx(entries, i);
        struct sent *message = &messages[message_count++];
        message->name = member(entry, "name");
        submit_text(message, member(entry, "to"), member(entry, "text"));
    }
    long long until = now_ms() + RECEIPT_WAIT_MS;
    uint8_t octets[MAX_PDU];
    int length;
    uint32_t command_id;
    while (!complete() && (command_id = read_pdu(octets, &length, until)) != 0)
        take(command_id, octets, length);
    for (int i = 0; i < message_count; i++)
        print_message(&messages[i]);
    unbind();
    return complete() ? 0 : 1;
}
