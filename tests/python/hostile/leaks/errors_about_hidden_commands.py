for name in ('hidden', 'absent'):
    try:
        aliases.call(name, (), {})
    except NameError as error:
        names.add(str(error).replace(name, 'N'))
