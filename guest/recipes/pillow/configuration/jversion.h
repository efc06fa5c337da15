#define JVERSION "6b"
#define JCOPYRIGHT "see the licence"
#define JCOPYRIGHT_SHORT JCOPYRIGHT
