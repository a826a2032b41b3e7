"""The body: tells applications that draw an avatar what its face does.

A client is given a callable that answers "what does the face look like at this moment" in the
values of ``values`` and sends it on, at a steady rate, for as long as the show lasts.
``vtube_studio`` is one connection to one VTube Studio (``vts_session`` its socket,
``vts_login`` its token, ``vts_parameters`` what drives what, ``vts_acting`` hotkeys,
expressions and models, ``vts_protocol`` its messages and errors, ``discovery`` where it is);
``worker`` joins them with the show, ``bodies`` reads the configuration;
``vmc`` sends the same to VRM applications; ``faces`` names what ``workers.face`` makes. May
import ``ipc`` and ``workers.face``; knows no other worker.
"""
