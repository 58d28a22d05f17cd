#!/usr/bin/perl
# Net::SMPP as an ESME that is told what to send.
#
# Usage: net_smpp_session.pl HOST PORT SYSTEM_ID PASSWORD BIND VERSION, such as … bind_transmitter 0x33
# A line {"send": command, field: value, …} on standard input is a request. Every PDU that comes is a line on
# standard output, {"command", "status", field: value, …}, the answer to the bind first. Ends with its input.
use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Net::SMPP;

use constant { LIFE_S => 60, RESPONSE => 0x80000000, DELIVER_SM => 0x05, ENQUIRE_LINK => 0x15 };

my %NAMES = (
    0x01 => 'bind_receiver', 0x02 => 'bind_transmitter', 0x03 => 'query_sm',         0x04 => 'submit_sm',
    0x05 => 'deliver_sm',    0x06 => 'unbind',           0x07 => 'replace_sm',       0x08 => 'cancel_sm',
    0x09 => 'bind_transceiver', 0x15 => 'enquire_link',  0x21 => 'submit_multi',     0x103 => 'data_sm',
    0x102 => 'alert_notification', 0x00 => 'generic_nack',
);

die "usage: $0 HOST PORT SYSTEM_ID PASSWORD BIND VERSION\n" if @ARGV != 6;
my ($host, $port, $system_id, $password, $bind, $version) = @ARGV;
my $json = JSON::PP->new->canonical->latin1;
STDOUT->autoflush(1);
alarm LIFE_S;    # read_pdu blocks until a whole PDU is there

my $smpp = Net::SMPP->new_connect(
    $host,
    port              => $port,
    timeout           => 5,
    system_id         => $system_id,
    password          => $password,
    interface_version => hex $version,
    async             => 1,
) or die "no connection to $host:$port: $!\n";
$smpp->$bind;

my $select = IO::Select->new($smpp, \*STDIN);
my $input  = '';
while (1) {
    for my $ready ($select->can_read) {
        if ($ready == $smpp) {
            show($smpp->read_pdu // die "connection closed by the SMSC\n");
        }
        elsif (sysread STDIN, $input, 4096, length $input) {
            request($json->decode($1)) while $input =~ s/\A(.*)\n//;
        }
        else {
            $smpp->unbind(async => 0);
            exit 0;
        }
    }
}

sub request {
    my ($fields) = @_;
    my $command = delete $fields->{send};
    if (my $addresses = delete $fields->{dest_address}) {
        for my $name (qw(dest_addr_ton dest_addr_npi destination_addr)) {
            $fields->{$name} = [map { $_->{$name} } @$addresses];
        }
    }
    $smpp->$command(%$fields);
    return;
}

sub show {
    my ($pdu) = @_;
    my $name = $NAMES{ $pdu->cmd & ~RESPONSE } // sprintf '%#x', $pdu->cmd;
    $name .= '_resp' if $pdu->cmd & RESPONSE && $name ne 'generic_nack';
    my %shown = (command => $name, status => $pdu->status);
    for my $field (grep { !/\A(?:cmd|seq|status|data|reserved|known_pdu|\d+)\z/ } keys %$pdu) {
        $shown{$field} = $pdu->{$field};
    }
    if (my $addresses = $name eq 'submit_multi_resp' && delete $shown{destination_addr}) {
        $shown{unsuccess_sme} = [
            map {
                { destination_addr => $addresses->[$_], error_status_code => $pdu->{error_status_code}[$_] }
            } 0 .. $#$addresses
        ];
    }
    print $json->encode(\%shown), "\n";
    $smpp->deliver_sm_resp(seq => $pdu->seq, message_id => '') if $pdu->cmd == DELIVER_SM;
    $smpp->enquire_link_resp(seq => $pdu->seq) if $pdu->cmd == ENQUIRE_LINK;
    return;
}
