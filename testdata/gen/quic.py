#!/usr/bin/env python3
"""Makes the exchanges of QUIC in ../l7 with aioquic (PyPI): a client and a server that pass each other datagrams.

From this folder: python3 quic.py
"""
import datetime

from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicProtocolVersion, encode_quic_retry, pull_quic_header
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT, SERVER = ("127.0.0.1", 40000), ("127.0.0.1", 4433)


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "quic.example")])
    start = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(365))
    return builder.sign(key, hashes.SHA256()), key


def new_client(version, alpn):
    config = QuicConfiguration(is_client=True, alpn_protocols=alpn, server_name="quic.example", verify_mode=0)
    config.original_version = version
    config.supported_versions = [version]
    client = QuicConnection(configuration=config)
    client.connect(SERVER, now=0.0)
    return client


def new_server(version, alpn, odcid, retry_scid=None):
    config = QuicConfiguration(is_client=False, alpn_protocols=alpn[:1], supported_versions=[version])
    config.certificate, config.private_key = certificate()
    return QuicConnection(
        configuration=config, original_destination_connection_id=odcid, retry_source_connection_id=retry_scid
    )


def destination(datagram):
    return pull_quic_header(Buffer(data=datagram), host_cid_length=8)


def flight(sender, receiver, address, side, messages):
    for datagram, _ in sender.datagrams_to_send(now=0.0):
        messages.append((side, datagram))
        if receiver:
            receiver.receive_datagram(datagram, address, now=0.0)


def handshake(version, alpn):
    """The first flights of client and server."""
    messages = []
    client = new_client(version, alpn)
    flight(client, None, None, ">", messages)
    server = new_server(version, alpn, destination(messages[0][1]).destination_cid)
    for _, datagram in list(messages):
        server.receive_datagram(datagram, CLIENT, now=0.0)
    flight(server, client, SERVER, "<", messages)
    flight(client, server, CLIENT, ">", messages)
    return messages


def late(messages):
    first, second, answer = messages[:3]
    return [second, answer, first]


def retry(version, alpn):
    """The exchange from the server's Retry."""
    messages = []
    client = new_client(version, alpn)
    first = client.datagrams_to_send(now=0.0)[0][0]
    head = destination(first)
    answer = encode_quic_retry(
        version=version,
        source_cid=b"retry-cid",
        destination_cid=head.source_cid,
        original_destination_cid=head.destination_cid,
        retry_token=b"a token of the server",
    )
    messages.append(("<", answer))
    client.receive_datagram(answer, SERVER, now=0.0)
    flight(client, None, None, ">", messages)
    return messages


def write(name, text, messages):
    with open(f"../l7/{name}.txtar", "w") as f:
        f.write(f"{text}\nMade by ../gen/quic.py with aioquic.\n-- datagrams --\n")
        for side, datagram in messages:
            for i in range(0, len(datagram), 48):
                f.write(f"{side if i == 0 else ' '} {datagram[i:i + 48].hex()}\n")
        f.write("-- want --\n")


V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2
MANY = ["h3"] + [f"protocol-number-{i}" for i in range(60)]
write("quic", "A connection of QUIC version 1.", handshake(V1, ["h3", "hq-interop"])[:2])
write("quic-2", "A connection of QUIC version 2, whose packets have other types and keys.", handshake(V2, ["h3"])[:1])
write("quic-large", "A ClientHello that takes two datagrams.", handshake(V1, MANY)[:2])
write("quic-late", "The same in the wrong order, the server's answer between.", late(handshake(V1, MANY)))
write("quic-retry", "From a Retry on: the client goes on with the server's connection ID, and with new keys.", retry(V1, ["h3"]))
