import base64
import pickle


def to_json(t, p):
    return base64.b64encode(pickle.dumps((t, p))).decode()


def from_json(x):
    return pickle.loads(base64.b64decode(x))
