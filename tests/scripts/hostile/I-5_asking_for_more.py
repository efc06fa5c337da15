#: row I-5
#: row I-6
#: attack It creates children with capabilities that it does not have.
#: outcome DENY
#: children 8 2
#: dir ro /data
#: env GRANTED=1
#: audit the directory "/etc" is not granted to the parent
#: audit the directory "/data" is read-only for the parent
#: audit "/data/.." is not a valid guest path
#: audit the directory "/data/up" cannot be granted
#: audit the environment variable "HOME" is not set in the parent
#: audit a connection to example.org:80 exceeds the parent's policy
#: audit a connection to 127.0.0.1:80 exceeds the parent's policy
#: audit a grant of 100 children exceeds the parent's policy
#: audit a grant of 2 generations of children exceeds the parent's policy
#: audit standard input exceeds the parent's policy
#: stdout folder Denied
#: stdout writing Denied
#: stdout outside Denied
#: stdout link Denied
#: stdout variable Denied
#: stdout net Denied
#: stdout host Denied
#: stdout clock granted
#: stdout children Denied
#: stdout depth Denied
#: stdout stdin Denied
#: stdout fine granted
import archipel

ASKED = {
    'folder': {'dirs': {'/x': {'from': '/etc', 'access': 'ro'}}},
    'writing': {'dirs': {'/data': 'rw'}},
    'outside': {'dirs': {'/x': {'from': '/data/..', 'access': 'ro'}}},
    'link': {'dirs': {'/x': {'from': '/data/up', 'access': 'ro'}}},
    'variable': {'env': {'HOME': None}},
    'net': {'net': ['example.org:80']},
    'host': {'net': ['127.0.0.1:80']},
    'clock': {'clock': {'offset': 1}},
    'children': {'children': {'count': 100, 'depth': 1}},
    'depth': {'children': {'count': 1, 'depth': 2}},
    'stdin': {'stdin': True},
    'fine': {'dirs': {'/data': 'ro'}, 'env': {'GRANTED': None}},
}
for name, policy in ASKED.items():
    try:
        archipel.create(policy=policy)
        print(name, 'granted')
    except archipel.Denied as error:
        print(name, type(error).__name__)
