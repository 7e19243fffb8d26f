"""Stand-in for TLS: it marks a connection as https. The host makes the TLS connection and verifies the other side, always, whatever is set here."""

import enum
import os
import socket as _socket_module
from collections import namedtuple
from socket import AF_INET, SO_TYPE, SOCK_STREAM, SOL_SOCKET, create_connection, socket  # noqa: F401

from _mpp_http import TLS_HELLO

OPENSSL_VERSION = "OpenSSL 3.0.0 (stand-in: the host of the sandbox makes TLS connections)"
OPENSSL_VERSION_INFO = _OPENSSL_API_VERSION = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000
HAS_SNI = HAS_TLSv1_2 = HAS_TLSv1_3 = HAS_NEVER_CHECK_COMMON_NAME = True
HAS_ALPN = HAS_NPN = HAS_ECDH = HAS_SSLv2 = HAS_SSLv3 = HAS_TLSv1 = HAS_TLSv1_1 = HAS_PSK = False
CHANNEL_BINDING_TYPES = []
PEM_HEADER, PEM_FOOTER = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class VerifyMode(enum.IntEnum):
    CERT_NONE = 0
    CERT_OPTIONAL = 1
    CERT_REQUIRED = 2


class TLSVersion(enum.IntEnum):
    MINIMUM_SUPPORTED = -2
    SSLv3 = 768
    TLSv1 = 769
    TLSv1_1 = 770
    TLSv1_2 = 771
    TLSv1_3 = 772
    MAXIMUM_SUPPORTED = -1


class _SSLMethod(enum.IntEnum):
    PROTOCOL_TLS = 2
    PROTOCOL_SSLv23 = 2
    PROTOCOL_TLSv1 = 3
    PROTOCOL_TLSv1_1 = 4
    PROTOCOL_TLSv1_2 = 5
    PROTOCOL_TLS_CLIENT = 16
    PROTOCOL_TLS_SERVER = 17


class Options(enum.IntFlag):
    OP_ALL = 0x80000050
    OP_NO_SSLv2 = 0
    OP_NO_SSLv3 = 0x2000000
    OP_NO_TLSv1 = 0x4000000
    OP_NO_TLSv1_1 = 0x10000000
    OP_NO_TLSv1_2 = 0x8000000
    OP_NO_TLSv1_3 = 0x20000000
    OP_NO_COMPRESSION = 0x20000
    OP_NO_TICKET = 0x4000
    OP_NO_RENEGOTIATION = 0x40000000
    OP_SINGLE_DH_USE = 0
    OP_SINGLE_ECDH_USE = 0
    OP_CIPHER_SERVER_PREFERENCE = 0x400000
    OP_IGNORE_UNEXPECTED_EOF = 0x80
    OP_ENABLE_MIDDLEBOX_COMPAT = 0x100000
    OP_LEGACY_SERVER_CONNECT = 4


class VerifyFlags(enum.IntFlag):
    VERIFY_DEFAULT = 0
    VERIFY_CRL_CHECK_LEAF = 4
    VERIFY_CRL_CHECK_CHAIN = 12
    VERIFY_X509_STRICT = 32
    VERIFY_ALLOW_PROXY_CERTS = 64
    VERIFY_X509_TRUSTED_FIRST = 32768
    VERIFY_X509_PARTIAL_CHAIN = 0x80000


class SSLErrorNumber(enum.IntEnum):
    SSL_ERROR_SSL = 1
    SSL_ERROR_WANT_READ = 2
    SSL_ERROR_WANT_WRITE = 3
    SSL_ERROR_WANT_X509_LOOKUP = 4
    SSL_ERROR_SYSCALL = 5
    SSL_ERROR_ZERO_RETURN = 6
    SSL_ERROR_WANT_CONNECT = 7
    SSL_ERROR_EOF = 8


class AlertDescription(enum.IntEnum):
    ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
    ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
    ALERT_DESCRIPTION_INTERNAL_ERROR = 80


for _kind in (VerifyMode, _SSLMethod, Options, VerifyFlags, SSLErrorNumber, AlertDescription):
    globals().update(_kind.__members__)
del _kind


class SSLError(OSError):
    def __init__(self, *args):
        super().__init__(*args)
        self.library, self.reason = "SSL", args[1] if len(args) > 1 else None

    def __str__(self):
        return str(self.strerror or (self.args[0] if self.args else ""))


class SSLZeroReturnError(SSLError):
    pass


class SSLWantReadError(SSLError):
    pass


class SSLWantWriteError(SSLError):
    pass


class SSLSyscallError(SSLError):
    pass


class SSLEOFError(SSLError):
    pass


class SSLCertVerificationError(SSLError, ValueError):
    pass


CertificateError = SSLCertVerificationError
socket_error = OSError


class Purpose(enum.Enum):
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


DefaultVerifyPaths = namedtuple("DefaultVerifyPaths", "cafile capath openssl_cafile_env openssl_cafile openssl_capath_env openssl_capath")


def get_default_verify_paths():
    return DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")


class SSLSession:
    """There is none."""


class SSLContext:
    """Takes every setting and gives it back. No setting changes what the host verifies."""

    sslsocket_class = None
    sslobject_class = None

    def __init__(self, protocol=PROTOCOL_TLS):
        self.protocol = protocol
        self.check_hostname = protocol == PROTOCOL_TLS_CLIENT
        self.verify_mode = CERT_REQUIRED if protocol == PROTOCOL_TLS_CLIENT else CERT_NONE
        self.verify_flags = VERIFY_X509_TRUSTED_FIRST
        self.options = OP_ALL | OP_NO_SSLv3
        self.minimum_version, self.maximum_version = TLSVersion.TLSv1_2, TLSVersion.MAXIMUM_SUPPORTED
        self.post_handshake_auth = False
        self.hostname_checks_common_name = False
        self.keylog_filename = None
        self.sni_callback = None

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, suppress_ragged_eofs=True, server_hostname=None, session=None):
        if server_side:
            raise SSLError(1, "a tool cannot listen")
        return SSLSocket._wrap(sock, self, server_hostname)

    def wrap_bio(self, incoming, outgoing, server_side=False, server_hostname=None, session=None):
        if server_side:
            raise SSLError(1, "a tool cannot listen")
        return SSLObject._wrap(incoming, outgoing, self, server_hostname)

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        raise SSLError(1, "client certificates do not work in the sandbox: the host makes the TLS connection")

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        """The host verifies with the authorities that it trusts."""

    load_default_certs = set_ciphers = set_default_verify_paths = set_ecdh_curve = load_dh_params = load_verify_locations

    def set_alpn_protocols(self, protocols):
        """HTTP/1.1 is what there is."""

    set_npn_protocols = set_alpn_protocols

    def cert_store_stats(self):
        return {"x509": 1, "crl": 0, "x509_ca": 1}

    def session_stats(self):
        return {}

    def get_ca_certs(self, binary_form=False):
        return []

    def get_ciphers(self):
        return []


class _Facts:
    """What a TLS connection says of itself."""

    context = server_hostname = session = None
    server_side = session_reused = False

    def getpeercert(self, binary_form=False):
        name = self.server_hostname or ""
        return b"" if binary_form else {"subject": ((("commonName", name),),), "subjectAltName": (("DNS", name),)}

    def selected_alpn_protocol(self):
        return None

    selected_npn_protocol = compression = selected_alpn_protocol

    def cipher(self):
        return ("host", "TLSv1.3", 256)

    def shared_ciphers(self):
        return None

    def version(self):
        return "TLSv1.3"

    def get_channel_binding(self, cb_type="tls-unique"):
        return None

    def get_verified_chain(self):
        return []

    get_unverified_chain = get_verified_chain


class SSLSocket(_Facts, socket):
    _sslobj = None

    def __init__(self, *_args, **_named):
        raise TypeError("use SSLContext.wrap_socket")

    @classmethod
    def _wrap(cls, sock, context, server_hostname):
        self = cls.__new__(cls)
        limit = sock.gettimeout()
        socket.__init__(self, family=sock.family, type=sock.type, proto=sock.proto, fileno=sock.fileno())
        sock.detach()
        self.settimeout(limit)
        self.context, self.server_hostname = context, server_hostname
        if _socket_module._socket.end_of(self.fileno()) is not None:
            self.do_handshake()
        return self

    def connect(self, address):
        socket.connect(self, address)
        self.do_handshake()

    def do_handshake(self, block=False):
        socket.send(self, TLS_HELLO)

    def read(self, len=1024, buffer=None):
        return self.recv_into(buffer, len) if buffer is not None else self.recv(len)

    def write(self, data):
        return self.send(data)

    def pending(self):
        return 0

    def unwrap(self):
        return self


class MemoryBIO:
    def __init__(self):
        self._data = bytearray()
        self.eof = False
        self._ended = False

    @property
    def pending(self):
        return len(self._data)

    def read(self, size=-1):
        size = len(self._data) if size < 0 else size
        part = bytes(self._data[:size])
        del self._data[:size]
        self.eof = self._ended and not self._data
        return part

    def write(self, data):
        self._data += data
        return len(memoryview(data).cast("B"))

    def write_eof(self):
        self._ended = True
        self.eof = not self._data


class SSLObject(_Facts):
    def __init__(self, *_args, **_named):
        raise TypeError("use SSLContext.wrap_bio")

    @classmethod
    def _wrap(cls, incoming, outgoing, context, server_hostname):
        self = cls.__new__(cls)
        self._incoming, self._outgoing, self.context, self.server_hostname = incoming, outgoing, context, server_hostname
        self._greeted = False
        return self

    def do_handshake(self):
        if not self._greeted:
            self._greeted = True
            self._outgoing.write(TLS_HELLO)

    def read(self, len=1024, buffer=None):
        if not self._incoming.pending:
            if self._incoming.eof:
                raise SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)")
            raise SSLWantReadError(2, "The operation did not complete (read)")
        data = self._incoming.read(len)
        if buffer is None:
            return data
        buffer[: data.__len__()] = data
        return data.__len__()

    def write(self, data):
        return self._outgoing.write(data)

    def pending(self):
        return self._incoming.pending

    def unwrap(self):
        """Nothing to say goodbye to."""

    def verify_client_post_handshake(self):
        raise SSLError(1, "a tool cannot listen")


SSLContext.sslsocket_class, SSLContext.sslobject_class = SSLSocket, SSLObject


def create_default_context(purpose=Purpose.SERVER_AUTH, *, cafile=None, capath=None, cadata=None):
    return SSLContext(PROTOCOL_TLS_CLIENT if purpose is Purpose.SERVER_AUTH else PROTOCOL_TLS_SERVER)


def _create_unverified_context(protocol=None, *, cert_reqs=CERT_NONE, check_hostname=False, purpose=Purpose.SERVER_AUTH, **_named):
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = check_hostname, cert_reqs
    return context


_create_default_https_context = create_default_context
_create_stdlib_context = _create_unverified_context


def RAND_bytes(number):
    return os.urandom(number)


def RAND_status():
    return True


def RAND_add(_data, _entropy):
    """The sandbox has its own."""


def DER_cert_to_PEM_cert(der):
    import base64

    text = base64.b64encode(der).decode("ascii")
    return "\n".join([PEM_HEADER, *(text[at : at + 64] for at in range(0, len(text), 64)), PEM_FOOTER, ""])


def PEM_cert_to_DER_cert(pem):
    import base64

    return base64.b64decode(pem.strip().removeprefix(PEM_HEADER).removesuffix(PEM_FOOTER))


def cert_time_to_seconds(cert_time):
    from calendar import timegm
    from time import strptime

    return timegm(strptime(cert_time, "%b %d %H:%M:%S %Y GMT"))


def get_server_certificate(addr, ssl_version=PROTOCOL_TLS_CLIENT, ca_certs=None, timeout=None):
    raise SSLError(1, "certificates of others cannot be seen from the sandbox")


def get_protocol_name(protocol_code):
    return _SSLMethod(protocol_code).name
