"""Stand-in: sockets that speak HTTP/1.1 to the host's http.fetch, pairs within the tool, and nothing else."""

import errno as _errno
import weakref as _weakref

AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6 = 0, 1, 2, 10
SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = 1, 2, 3
SOCK_NONBLOCK, SOCK_CLOEXEC = 2048, 524288
SOL_SOCKET, SOL_TCP, SOL_UDP = 1, 6, 17
SO_DEBUG, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_LINGER, SO_REUSEPORT = 1, 2, 3, 4, 6, 7, 8, 9, 13, 15
IPPROTO_IP, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6 = 0, 1, 6, 17, 41
IPV6_V6ONLY = 26
TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT = 1, 4, 5, 6, 18
MSG_OOB, MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_NOSIGNAL = 1, 2, 64, 256, 16384
SHUT_RD, SHUT_WR, SHUT_RDWR = 0, 1, 2
SOMAXCONN = 128
AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_V4MAPPED, AI_ALL, AI_ADDRCONFIG, AI_NUMERICSERV = 1, 2, 4, 8, 16, 32, 1024
EAI_BADFLAGS, EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_FAMILY, EAI_SOCKTYPE, EAI_SERVICE, EAI_MEMORY = -1, -2, -3, -4, -6, -7, -8, -10
NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD = 1, 2, 8
INADDR_ANY, INADDR_LOOPBACK, INADDR_BROADCAST, INADDR_NONE = 0, 0x7F000001, 0xFFFFFFFF, 0xFFFFFFFF
has_ipv6 = False

error = OSError
timeout = TimeoutError


class herror(OSError):
    """Never raised here."""


class gaierror(OSError):
    """A name that has no address."""


NO_SOCKETS = "the sandbox has no plain sockets: HTTP requests go through the host, as far as the manifest declares them"
_FIRST = 1000
"""Above every descriptor that the sandbox gives."""

_ends = {}
_default_timeout = None
_next = _FIRST


class _Pair:
    """One end of two that are joined within the tool."""

    def __init__(self):
        self.other = None
        self.data = bytearray()
        self.ended = False
        self.timeout = None

    def write(self, data):
        other = self.other() if self.other is not None else None
        if other is None or other.ended:
            raise BrokenPipeError(_errno.EPIPE, "Broken pipe")
        other.data += data

    def is_ready(self):
        return bool(self.data) or self.other is None or self.other() is None or self.other().ended

    def read(self, size):
        part = bytes(self.data[:size])
        del self.data[:size]
        return part if part or not self.is_ready() else b""


def _give_number(end):
    global _next
    number, _next = _next, _next + 1
    _ends[number] = end
    return number


def end_of(number):
    """What stands behind a descriptor, or None: for select."""
    return _ends.get(number)


class socket:
    """The part of the C class that Lib/socket.py and its users need."""

    __slots__ = ("_family", "_number", "_timeout", "_type", "proto")

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        self._family = AF_INET if family == -1 else family
        self._type = SOCK_STREAM if type == -1 else type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)
        self.proto = 0 if proto == -1 else proto
        self._timeout = _default_timeout
        if self._type != SOCK_STREAM:
            raise OSError(_errno.EPROTONOSUPPORT, NO_SOCKETS)
        if fileno is not None and fileno not in _ends:
            raise OSError(_errno.EBADF, "Bad file descriptor")
        self._number = _give_number(None) if fileno is None else fileno

    @property
    def family(self):
        return self._family

    @property
    def type(self):
        return self._type

    @property
    def timeout(self):
        return self._timeout

    def _end(self):
        end = _ends.get(self._number)
        if end is None:
            raise OSError(_errno.EBADF if self._number < 0 else _errno.ENOTCONN, "Bad file descriptor" if self._number < 0 else "not connected")
        return end

    def connect(self, address):
        if self._number not in _ends:
            raise OSError(_errno.EBADF, "Bad file descriptor")
        if self._family not in {AF_INET, AF_INET6} or not isinstance(address, tuple):
            raise OSError(_errno.EAFNOSUPPORT, NO_SOCKETS)
        from _mpp_http import Line

        _ends[self._number] = Line(address[0], address[1])

    def connect_ex(self, address):
        try:
            self.connect(address)
        except OSError as fault:
            return fault.errno or _errno.EIO
        return 0

    def bind(self, _address):
        raise PermissionError(_errno.EACCES, "a tool cannot listen: " + NO_SOCKETS)

    def listen(self, _backlog=0):
        raise PermissionError(_errno.EACCES, "a tool cannot listen: " + NO_SOCKETS)

    def _accept(self):
        raise PermissionError(_errno.EACCES, "a tool cannot listen: " + NO_SOCKETS)

    def send(self, data, _flags=0):
        view = memoryview(data).cast("B")
        self._end().write(view)
        return len(view)

    def sendall(self, data, flags=0):
        self.send(data, flags)

    def sendmsg(self, buffers, _control=(), flags=0, _address=None):
        return sum(self.send(one, flags) for one in buffers)

    def sendto(self, *_args):
        raise OSError(_errno.EPROTONOSUPPORT, NO_SOCKETS)

    recvfrom = recvfrom_into = recvmsg = sendto

    def recv(self, size, _flags=0):
        end = self._end()
        end.timeout = self._timeout
        data = end.read(size)
        if data is None or (data == b"" and not end.is_ready()):
            if self._timeout == 0:
                raise BlockingIOError(_errno.EAGAIN, "Resource temporarily unavailable")
            # Waiting would never end: the other side speaks only after a whole request.
            raise TimeoutError(_errno.ETIMEDOUT, "nothing was asked: " + NO_SOCKETS)
        return data

    def recv_into(self, buffer, size=0, flags=0):
        view = memoryview(buffer).cast("B")
        data = self.recv(size or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def close(self):
        number, self._number = self._number, -1
        close(number)

    def detach(self):
        number, self._number = self._number, -1
        return number

    def fileno(self):
        return self._number

    def shutdown(self, _how):
        self._end()

    def settimeout(self, seconds):
        if seconds is not None and seconds < 0:
            raise ValueError("Timeout value out of range")
        self._timeout = None if seconds is None else float(seconds)

    def gettimeout(self):
        return self._timeout

    def setblocking(self, flag):
        self._timeout = None if flag else 0.0

    def getblocking(self):
        return self._timeout != 0

    def setsockopt(self, *_args):
        """Nothing to set."""

    def getsockopt(self, _level, _option, size=0):
        return bytes(size) if size else 0

    def getpeername(self):
        end = self._end()
        return (end.host, end.port) if hasattr(end, "host") else ""

    def getsockname(self):
        return ("0.0.0.0", 0)


SocketType = socket


def close(number):
    end = _ends.pop(number, None)
    if isinstance(end, _Pair):
        end.ended = True


def dup(number):
    return _give_number(_ends[number])


def socketpair(family=AF_UNIX, type=SOCK_STREAM, proto=0):
    one, two = _Pair(), _Pair()
    one.other, two.other = _weakref.ref(two), _weakref.ref(one)
    return socket(family, type, proto, _give_number(one)), socket(family, type, proto, _give_number(two))


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """The name itself stands for its address: the host resolves it when it carries out the request."""
    if family == AF_INET6:
        raise gaierror(EAI_FAMILY, "the stand-in for sockets knows one family")
    if isinstance(host, bytes):
        host = host.decode("ascii")
    if isinstance(port, (str, bytes)):
        port = int(port) if port.isdigit() else getservbyname(port if isinstance(port, str) else port.decode())
    return [(AF_INET, SOCK_STREAM, IPPROTO_TCP, "", (host or "localhost", port or 0))]


def getservbyname(name, _protocol="tcp"):
    try:
        return {"http": 80, "https": 443}[name]
    except KeyError:
        raise OSError("service/proto not found") from None


def getservbyport(port, _protocol="tcp"):
    try:
        return {80: "http", 443: "https"}[port]
    except KeyError:
        raise OSError("port/proto not found") from None


def gethostbyname(name):
    return name


def gethostbyname_ex(name):
    return name, [], [name]


def gethostbyaddr(name):
    return name, [], [name]


def getnameinfo(address, _flags):
    return str(address[0]), str(address[1])


def gethostname():
    return "localhost"


def getprotobyname(name):
    return {"tcp": 6, "udp": 17, "icmp": 1, "ip": 0}[name]


def if_nameindex():
    return []


def getdefaulttimeout():
    return _default_timeout


def setdefaulttimeout(seconds):
    global _default_timeout
    _default_timeout = None if seconds is None else float(seconds)


def htons(number):
    return int.from_bytes(number.to_bytes(2, "big"), "little")


def htonl(number):
    return int.from_bytes(number.to_bytes(4, "big"), "little")


ntohs, ntohl = htons, htonl


def inet_aton(text):
    import ipaddress

    try:
        return ipaddress.IPv4Address(text).packed
    except ValueError:
        raise OSError("illegal IP address string passed to inet_aton") from None


def inet_ntoa(packed):
    import ipaddress

    return str(ipaddress.IPv4Address(bytes(packed)))


def inet_pton(family, text):
    import ipaddress

    try:
        return (ipaddress.IPv6Address if family == AF_INET6 else ipaddress.IPv4Address)(text).packed
    except ValueError:
        raise OSError("illegal IP address string passed to inet_pton") from None


def inet_ntop(family, packed):
    import ipaddress

    return str((ipaddress.IPv6Address if family == AF_INET6 else ipaddress.IPv4Address)(bytes(packed)))


CAPI = None
