#!/usr/bin/perl
# Net::SMPP as an ESME: sends messages.json over one transceiver bind and waits for the receipts.
#
# Usage: net_smpp.pl HOST PORT SYSTEM_ID PASSWORD
# Prints one JSON line per message; exit status 0 when every segment has its receipt.
use strict;
use warnings;

use Encode qw(encode);
use File::Basename qw(dirname);
use IO::Select;
use JSON::PP;
use Net::SMPP;
use Time::HiRes qw(time);

use constant {
    SOURCE_ADDR       => '12345',
    RECEIPT_WAIT_S    => 20,
    PART_OCTETS       => 153,
    ESM_CLASS_UDHI    => 0x40,
    ESM_CLASS_RECEIPT => 0x04,
    DATA_CODING_UCS2  => 0x08,
    ENQUIRE_LINK      => 0x00000015,
    SUBMIT_SM_RESP    => 0x80000004,
    DELIVER_SM        => 0x00000005,
};

die "usage: $0 HOST PORT SYSTEM_ID PASSWORD\n" if @ARGV != 4;
my ($host, $port, $system_id, $password) = @ARGV;

# read_pdu blocks until a whole PDU is there: a PDU that stops in the middle must not hold us for ever.
$SIG{ALRM} = sub { die "no answer in time\n" };
alarm RECEIPT_WAIT_S + 10;

my ($smpp, $bind_resp) = Net::SMPP->new_transceiver(
    $host,
    port      => $port,
    timeout   => 5,
    system_id => $system_id,
    password  => $password,
    async     => 0,
) or die "no connection to $host:$port: $!\n";
die "no answer to bind_transceiver\n" if !defined $bind_resp;
die sprintf("bind_transceiver refused: %#x\n", $bind_resp->status) if $bind_resp->status;

my %message_of_seq;
my %receipts_of_id;
my @messages;
for my $entry (@{ read_messages() }) {
    my %message = (name => $entry->{name}, segments => 0, message_ids => []);
    for my $part (parts($entry->{text})) {
        my $seq = $smpp->submit_sm(
            async               => 1,
            source_addr         => SOURCE_ADDR,
            dest_addr_ton       => 1,
            dest_addr_npi       => 1,
            destination_addr    => $entry->{to},
            registered_delivery => 1,
            %$part,
        );
        $message_of_seq{$seq} = \%message;
        $message{segments}++;
    }
    push @messages, \%message;
}

my $select   = IO::Select->new($smpp);
my $deadline = time + RECEIPT_WAIT_S;
while (!complete() && (my $left = $deadline - time) > 0) {
    next if !$select->can_read($left);
    my $pdu = $smpp->read_pdu or die "connection closed by the SMSC\n";
    take($pdu);
}
my $done = complete();
for my $message (@messages) {
    my @receipts = map { @{ $receipts_of_id{$_} // [] } } @{ $message->{message_ids} };
    print JSON::PP->new->canonical->encode(
        { name => $message->{name}, message_ids => $message->{message_ids}, receipts => \@receipts }), "\n";
}
$smpp->unbind;
exit($done ? 0 : 1);

sub read_messages {
    my $path = dirname(__FILE__) . '/messages.json';
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return JSON::PP->new->utf8->decode(<$file>);
}

# GSM default alphabet with the extension table where the text fits it, else UTF-16BE; long texts are
# cut with an 8-bit concatenation UDH.
sub parts {
    my ($text) = @_;
    my $gsm = eval { encode('gsm0338', $text, Encode::FB_CROAK | Encode::LEAVE_SRC) };
    return { data_coding => DATA_CODING_UCS2, short_message => encode('UTF-16BE', $text) } if !defined $gsm;
    return { short_message => $gsm } if length($gsm) <= 160;
    my @chunks = unpack '(a' . PART_OCTETS . ')*', $gsm;
    return map {
        +{
            esm_class     => ESM_CLASS_UDHI,
            short_message => pack('C6', 5, 0, 3, 77, scalar @chunks, $_ + 1) . $chunks[$_],
        }
    } 0 .. $#chunks;
}

sub take {
    my ($pdu) = @_;
    if ($pdu->cmd == ENQUIRE_LINK) {
        $smpp->enquire_link_resp(seq => $pdu->seq);
    }
    elsif ($pdu->cmd == SUBMIT_SM_RESP) {
        die sprintf("submit_sm refused: %#x\n", $pdu->status) if $pdu->status;
        push @{ $message_of_seq{ $pdu->seq }{message_ids} }, $pdu->{message_id};
    }
    elsif ($pdu->cmd == DELIVER_SM) {
        take_receipt($pdu);
        $smpp->deliver_sm_resp(seq => $pdu->seq, message_id => '');
    }
    return;
}

# The receipt's TLV and its text have to name the same message.
sub take_receipt {
    my ($pdu) = @_;
    my ($id, $stat) = $pdu->{short_message} =~ /^id:(\S+) .*?stat:(\S+)/s
        or die "no receipt text: $pdu->{short_message}\n";
    die sprintf("esm_class %#x of a receipt\n", $pdu->{esm_class})
        if !($pdu->{esm_class} & ESM_CLASS_RECEIPT);
    if (defined(my $tlv = $pdu->{receipted_message_id})) {
        $tlv =~ s/\0+\z//;
        die "receipted_message_id $tlv differs from the text's $id\n" if $tlv ne $id;
    }
    push @{ $receipts_of_id{$id} }, { id => $id, stat => $stat };
    return;
}

sub complete {
    for my $message (@messages) {
        my @ids = @{ $message->{message_ids} };
        return 0 if @ids != $message->{segments} || grep { !$receipts_of_id{$_} } @ids;
    }
    return 1;
}
