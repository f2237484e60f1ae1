"""What serves the protocols of core and of the packages' gateways: the only users of the SDKs.

Each adapter turns one outside system's calls, errors and values into ours. None holds a rule.
"""
