BARS={}
def measure(*a): pass
