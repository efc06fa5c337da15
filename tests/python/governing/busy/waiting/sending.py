import archipel

recv, send = archipel.channel()
begun.send(1)
archipel.select((send, 1), archipel.after(1e6))
