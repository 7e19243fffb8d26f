"""Fronts: what agents connect to. Sockets, pipes and threads are here; what a message means is in mpp.protocol, who may do what is the host's business."""
