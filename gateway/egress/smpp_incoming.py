"""Incoming SMS from an SMSC, into the batch: as deliveries, or to be gathered first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.batch import Row
from gateway.core.incoming import Came, Way
from gateway.translate.smpp_upstream import incoming_of, sms_of
from protocols.smpp.pdu import DataSm, DeliverSm

if TYPE_CHECKING:
    from gateway.egress.smpp_connector import SmppConnector


def take_incoming(connector: SmppConnector, pdu: DeliverSm | DataSm, now_ms: int) -> bool:
    """Puts an incoming SMS into the batch; False: there is nobody who gets it."""
    config, batch, incoming = connector.config, connector.journal.batch, connector.incoming
    if connector.dialect.reads:
        connector.dialect.read(pdu)
    if incoming.is_plain:
        plain = Way(config.incoming_account or None, (), 0, gathered=False)
        incoming.recent.append(Came(now_ms, config.name, pdu.source_addr, pdu.destination_addr, 0, 0, plain))
        if plain.account is not None:
            batch.incoming.append(incoming_of(pdu, plain.account, now_ms))
        return plain.is_taken
    sms = sms_of(pdu)
    way = incoming.way(config, sms.own_number, sms.text, now_ms, total=sms.total, part=sms.part)
    incoming.recent.append(Came(now_ms, config.name, sms.number, sms.own_number, sms.total, sms.part, way))
    delivery = None if way.account is None else incoming_of(pdu, way.account, now_ms)
    stops: tuple[Row, ...] = ()
    if sms.part <= 1:
        stops = incoming.heed_stop(batch, way, sms.number, sms.text, now_ms, total=sms.total)
    if way.gathered:
        said = (config.name, *sms, now_ms, way.answers_since_ms, " ".join(way.mail))
        batch.incoming_mail.append((*said, delivery, way.whole, stops))
    elif delivery is not None:
        batch.incoming.append(delivery)
    return way.is_taken
