"""Access as code for LDAP and Active Directory: plan it, review it, apply exactly that."""

__version__ = "0.1.0"
