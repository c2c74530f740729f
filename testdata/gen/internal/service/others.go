package service

import (
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/fake"
)

// others need Debian's curl, samba, smbclient, xrdp and freerdp2-x11, and PyPI's pymodbus and libtorrent.
var others = []exchange{
	{file: "http2.txtar", about: "curl, and a server with Go's net/http.", serve: fake.HTTP2,
		client: `curl -s --http2-prior-knowledge --connect-to ::127.0.0.1:$PROXY -H 'X-Forwarded-For: 192.0.2.7' ` +
			`-e http://www.example.com/ http://api.example.com:8080/v1/orders?open=1`},
	{file: "http2-post.txtar", about: "curl with a body, and a server with Go's net/http.", serve: fake.HTTP2,
		client: `curl -s --http2-prior-knowledge --connect-to ::127.0.0.1:$PROXY --json '{}' http://api.example.com/v1/orders`},
	{file: "smb.txtar", about: "SMB 3.1.1 and a share for guests.", setup: samba, server: runSamba,
		client: `smbclient -s $PWD/conf -p $PROXY -U anne%secret //127.0.0.1/orders -c ls`},
	{file: "smb-1.txtar", about: "SMB 1 and a share for guests.", setup: samba, server: runSamba,
		client: `smbclient -s $PWD/conf -m NT1 --option='client min protocol=NT1' -p $PROXY -U anne%secret //127.0.0.1/orders -c ls`},
	{file: "rdp.txtar", about: "FreeRDP and xrdp, with TLS. Only what comes before it is here.", limit: 1,
		setup: `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=rdp.example.com -keyout key.pem -out cert.pem 2>/dev/null
sed "s|^port=.*|port=tcp://127.0.0.1:$SERVER|; s|^certificate=.*|certificate=$PWD/cert.pem|; s|^key_file=.*|key_file=$PWD/key.pem|; ` +
			`s|^LogFile=.*|LogFile=$PWD/log|; s|^runtime_user=.*||; s|^runtime_group=.*||" /etc/xrdp/xrdp.ini > xrdp.ini`,
		server: `exec xrdp --nodaemon -c $PWD/xrdp.ini`,
		client: `timeout 12 xvfb-run -a xfreerdp /v:127.0.0.1:$PROXY /u:anne /p:secret /cert:ignore /sec:tls`},
	{file: "modbus.txtar", about: "PyModbus.", limit: 2,
		server: `exec python3 -c "from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
StartTcpServer(context=SimDevice(1, [SimData(0, values=17, count=200, datatype=DataType.REGISTERS)]), address=('127.0.0.1', $SERVER))"`,
		client: `python3 -c "from pymodbus.client import ModbusTcpClient
c = ModbusTcpClient('127.0.0.1', port=$PROXY)
c.connect()
print(c.read_holding_registers(100, count=4, device_id=1))
c.close()"`},
	{file: "modbus-exception.txtar", about: "PyModbus, and registers that are not there.", limit: 2,
		server: `exec python3 -c "from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
StartTcpServer(context=SimDevice(1, [SimData(0, values=17, count=200, datatype=DataType.REGISTERS)]), address=('127.0.0.1', $SERVER))"`,
		client: `python3 -c "from pymodbus.client import ModbusTcpClient
c = ModbusTcpClient('127.0.0.1', port=$PROXY)
c.connect()
c.read_input_registers(9000, count=2, device_id=1)
c.close()"`},
	{file: "bittorrent.txtar", about: "Two sessions of libtorrent, one of which has the file.", limit: 3,
		setup: `mkdir seed && head -c 100000 /dev/urandom > seed/file && python3 -c "import libtorrent as lt
fs = lt.file_storage()
lt.add_files(fs, 'seed/file')
t = lt.create_torrent(fs)
lt.set_piece_hashes(t, 'seed')
open('t', 'wb').write(lt.bencode(t.generate()))"`,
		server: `exec python3 -c "$(cat <<END
import libtorrent as lt, time
s = lt.session({'listen_interfaces': '127.0.0.1:$SERVER', 'enable_dht': False, 'enable_lsd': False, 'in_enc_policy': 2})
s.add_torrent({'ti': lt.torrent_info('t'), 'save_path': 'seed'})
time.sleep(20)
END
)"`,
		client: `timeout 10 python3 -c "$(cat <<END
import libtorrent as lt, time
s = lt.session({'listen_interfaces': '127.0.0.1:7003', 'enable_dht': False, 'enable_lsd': False, 'out_enc_policy': 2,
    'enable_outgoing_utp': False})
h = s.add_torrent({'ti': lt.torrent_info('t'), 'save_path': 'got'})
time.sleep(1)
h.connect_peer(('127.0.0.1', $PROXY))
time.sleep(3)
END
)"`},
}

const samba = `mkdir share && chmod 777 share && cat > conf <<END
[global]
server role = standalone server
map to guest = bad user
server min protocol = NT1
private dir = $PWD/private
state directory = $PWD/state
cache directory = $PWD/cache
lock directory = $PWD/lock
pid directory = $PWD
ncalrpc dir = $PWD/ncalrpc
log file = $PWD/log
disable spoolss = yes
[orders]
path = $PWD/share
guest ok = yes
END
mkdir private state cache lock ncalrpc`

const runSamba = `exec smbd -F --no-process-group -s $PWD/conf -p $SERVER`
