"""How attempts travel to providers: upstreams, the transport under them, and what their failures mean."""
